# Flattens a JSON document: one line "path.of.keys<TAB>value" a scalar. Array items are numbered from 0.
# \n in a string becomes a space; \u escapes outside ASCII become "?".
{ text = text $0 "\n" }
END { at = 1; value("") }

function blank() { while (substr(text, at, 1) ~ /[ \t\r\n]/) at++ }

function join(path, key) { return path == "" ? key : path "." key }

function string(    out, c, code) {
    at++
    while (at <= length(text)) {
        c = substr(text, at++, 1)
        if (c == "\"") return out
        if (c == "\\") {
            c = substr(text, at++, 1)
            if (c == "n" || c == "t" || c == "r") c = " "
            else if (c == "u") {
                code = index("0123456789abcdef", tolower(substr(text, at + 2, 1))) * 16 - 17
                code += index("0123456789abcdef", tolower(substr(text, at + 3, 1)))
                c = substr(text, at, 2) == "00" && code < 127 && code > 31 ? sprintf("%c", code) : "?"
                at += 4
            }
        }
        out = out c
    }
    return out
}

function value(path,    c, n, key, start) {
    blank()
    c = substr(text, at, 1)
    if (c == "{" || c == "[") {
        at++
        for (n = 0; at <= length(text); n++) {
            blank()
            if (substr(text, at, 1) ~ /[]}]/) { at++; return }
            if (c == "{") { key = string(); blank(); at++ } else key = n
            value(join(path, key))
            blank()
            if (substr(text, at, 1) == ",") at++
        }
    } else if (c == "\"") {
        print path "\t" string()
    } else {
        start = at
        while (at <= length(text) && substr(text, at, 1) !~ /[],} \t\r\n]/) at++
        print path "\t" substr(text, start, at - start)
        if (at == start) at = length(text) + 1
    }
}
