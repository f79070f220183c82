# The comments of config.proto as rows of a C table: {"Message", "field", "comment"}.
# A message's own comment has the field "", an enum's value stands in its field's place.
# Run by the build; protobuf-c's descriptors do not keep comments.

function quoted(s) {
    gsub(/\\/, "\\\\", s)
    gsub(/"/, "\\\"", s)
    return "\"" s "\""
}

function row(scope, name, comment) {
    printf "{%s, %s, %s},\n", quoted(scope), quoted(name), quoted(comment)
}

/^\/\// {
    line = $0
    sub(/^\/\/ ?/, "", line)
    above = above (above == "" ? "" : " ") line
    next
}

/^(message|enum) / {
    sub(/ *Next free tag: [0-9]+\./, "", above)
    row($2, "", above)
    scope = /}/ ? "" : $2
    above = ""
    next
}

/^}/ { scope = "" }

scope != "" && /;/ {
    comment = ""
    at = index($0, "//")
    if (at > 0) {
        comment = substr($0, at + 2)
        sub(/^ */, "", comment)
        $0 = substr($0, 1, at - 1)
    }
    name = /^ *(optional|repeated) / ? $3 : $1
    row(scope, name, comment)
}

{ above = "" }
