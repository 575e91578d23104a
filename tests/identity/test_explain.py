"""Each denial explained: the rule, the roles it wants, those one has, who can grant them; nothing of other projects."""

import random
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from authorization import policy, rules, targets
from authorization.context import RequestContext
from authorization.explaining import LADDER
from authorization.share_levels import LEVELS
from identity import tokens
from identity.assignments import services as assignments
from tests.identity.conftest import project, role, user
from tests.identity.sharing_world import COMPUTE, IMAGE, Caller, caller, image, person, put_share, server, team


@pytest.fixture
def looker(seeded: None) -> Caller:
    """A reader of project demo."""
    person("looker", in_project="demo", role_name="reader")
    return caller("looker")


@pytest.fixture
def web(seeded: None) -> Any:
    return server(project("demo").pk)


def actor_of(who: Caller) -> RequestContext:
    return tokens.actor_from_token(who.token, "req-1")


def test_it_names_rule_roles_and_whom_to_ask(looker: Caller, web: Any) -> None:
    person("boss", in_project="demo", role_name="manager")
    why = policy.explain(actor_of(looker), "os_compute_api:servers:stop", web)
    assert (why.allowed, why.wanted, why.has, why.grantors) == (False, ("member",), ("reader",), ("boss",))
    assert why.check == "rule:member or share:operate" and why.share_wanted == "operate"
    assert why.sentence == "This needs the role member. You have reader. Ask boss."
    assert policy.explain(actor_of(caller("demo")), "os_compute_api:servers:stop", web).sentence == "You may do this."


def test_people_are_found_through_groups_inheritance_and_implied_roles(looker: Caller, web: Any) -> None:
    home = project("demo")
    above, chief, gone = (person(name, in_project="elsewhere") for name in ("above", "chief", "gone"))
    assignments.grant(role("manager"), on="domain", object_id="default", subject_id=above.pk, inherited=True)
    group = team(chief, name="chiefs")
    assignments.grant(role("admin"), on="project", object_id=home.pk, subject="group", subject_id=group.pk)
    assignments.grant(role("manager"), on="project", object_id=home.pk, subject_id=gone.pk)
    gone.enabled = False
    gone.save()
    elsewhere = person("stranger", in_project="elsewhere")
    assignments.grant(role("manager"), on="project", object_id=project("elsewhere").pk, subject_id=elsewhere.pk)
    assert policy.explain(actor_of(looker), "os_compute_api:servers:stop", web).grantors == ("above", "chief")


def test_the_api_says_it_inside_one_s_own_project(looker: Caller, web: Any) -> None:
    person("boss", in_project="demo", role_name="manager")
    answer = looker.ask("post", f"{COMPUTE}/servers/{web.pk}/action", {"os-stop": None})
    assert answer.status_code == 403
    said = answer.json()["forbidden"]["message"]
    assert (
        "os_compute_api:servers:stop" in said and "role member; you have reader" in said and said.endswith("Ask boss.")
    )
    row = image(project("demo").pk)
    answer = looker.ask("delete", f"{IMAGE}/images/{row.pk}")
    assert answer.status_code == 403 and answer.json()["message"].endswith("Ask boss.")


def test_another_project_is_not_there_and_nobody_of_it_is_named(looker: Caller, seeded: None) -> None:
    person("hers", in_project="hers", role_name="manager")
    other = server(project("hers").pk)
    answer = looker.ask("post", f"{COMPUTE}/servers/{other.pk}/action", {"os-stop": None})
    assert answer.status_code == 404 and "hers" not in answer.content.decode()
    assert looker.status("get", f"/api/identity/v3/explain?rule=compute:server:stop&object_type=server&object_id={other.pk}") == 404  # fmt: skip
    why = policy.explain(actor_of(looker), "os_compute_api:servers:stop", other)
    assert why.foreign and not why.grantors and "hers" not in why.sentence
    put_share("server", other, user("looker"), "view")
    answer = looker.ask("post", f"{COMPUTE}/servers/{other.pk}/action", {"os-stop": None})
    said = answer.json()["forbidden"]["message"]
    assert answer.status_code == 403 and "at the level view, and it needs operate" in said and "hers" not in said


def test_the_explanation_can_be_asked_for(looker: Caller, web: Any) -> None:
    path = f"/explain?rule=compute:server:delete&object_type=server&object_id={web.pk}"
    found = looker.identity.get(path)["explanation"]
    assert found["allowed"] is False and found["roles_wanted"] == ["member"] and found["share_level_wanted"] == "full"
    assert looker.identity.get("/explain?rule=compute:server:list")["explanation"]["allowed"] is True
    looker.identity.get("/explain?rule=compute:unheard-of", 400)
    looker.identity.get("/explain", 400)


def test_a_denial_is_kept_under_its_request(looker: Caller, web: Any, settings: Any, tmp_path: Path) -> None:
    settings.DATA = tmp_path
    (tmp_path / "denials").mkdir()
    answer = looker.ask("post", f"{COMPUTE}/servers/{web.pk}/action", {"os-stop": None})
    request_id, out = answer["X-OpenStack-Request-ID"], StringIO()
    call_command("why", request_id, stdout=out)
    assert "denied  os_compute_api:servers:stop" in out.getvalue() and "needs the role member" in out.getvalue()
    call_command("why", request_id, "--json", stdout=(raw := StringIO()))
    assert '"roles_wanted"' in raw.getvalue()


@pytest.mark.parametrize("seed", range(4))
def test_explaining_and_allowing_never_disagree(seeded: None, seed: int) -> None:
    """For random callers, rules and shares; and a named role, or share, would really do."""
    dice = random.Random(seed)
    names = [name for name in rules.texts() if name.startswith(("os_compute_api:servers:", "image:", "update_network"))]
    who = person("some", in_project="demo", role_name=dice.choice(("reader", "member", "manager")))
    person("other", in_project="other")
    rows = [server(project(name).pk) for name in ("demo", "other")]
    for row in rows:
        if dice.random() < 0.7:
            put_share("server", row, who, dice.choice(LEVELS), dice.choice((None, 9.0, -1.0)))
    actor = actor_of(caller("some"))
    for rule in names:
        for row in rows:
            why = policy.explain(actor, rule, row)
            assert why.allowed == policy.allows(actor, rule, row), rule
            if why.allowed:
                continue
            creds, aim = targets.credentials(actor), targets.aim(actor, row)
            for wanted in why.wanted:
                assert rules.holds(rule, aim, {**creds, "roles": list(LADDER[wanted])})
            if why.share_wanted:
                assert rules.holds(rule, {**aim, "share_level": why.share_wanted}, creds)
