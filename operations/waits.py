"""The answer of a step that has to run again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wait:
    """Run the same step again after `seconds`, or as soon as one of the channels in `on` is notified."""

    seconds: float
    on: tuple[str, str] | list[tuple[str, str]] = ()  # type: ignore[assignment]

    @property
    def channels(self) -> list[tuple[str, str]]:
        if not self.on:
            return []
        return [self.on] if isinstance(self.on, tuple) else list(self.on)
