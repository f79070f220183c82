# The comments of config.proto as rows of a C table (pt_key_help, common/config/parts.h):
#     {"Message", "field", "comment", {"range", '[', low, high, ']', or_auto}}
# A message's own comment has the field "", an enum's value is in its field's place. The
# range of a number comes before the first semicolon of its comment. One without a range
# ends the build. protobuf-c's descriptors do not keep comments.

function quoted(s) {
    gsub(/\\/, "\\\\", s)
    gsub(/"/, "\\\"", s)
    return "\"" s "\""
}

function row(scope, name, comment, range) {
    printf "{%s, %s, %s, {%s}},\n", quoted(scope), quoted(name), quoted(comment), range
}

# A range as the C initialiser of a pt_range, "" where it is none.
function range_of(s,    all, n, or_auto) {
    all = quoted(s)
    or_auto = sub(/ or auto$/, "", s) ? ", true" : ", false"
    n = "-?[0-9]+(\\.[0-9]+)?"
    if (s == "any") return all ", '[', -INFINITY, INFINITY, ']'" or_auto
    if (s ~ "^" n "$") return all ", '[', " s ", " s ", ']'" or_auto
    if (s ~ "^> " n "$") return all ", '(', " substr(s, 3) ", INFINITY, ']'" or_auto
    if (s ~ "^>= " n "$") return all ", '[', " substr(s, 4) ", INFINITY, ']'" or_auto
    if (s !~ "^in [[(]" n ", " n "[])]$") return ""
    return all ", '" substr(s, 4, 1) "', " substr(s, 5, length(s) - 5) \
           ", '" substr(s, length(s)) "'" or_auto
}

/^\/\// {
    line = $0
    sub(/^\/\/ ?/, "", line)
    above = above (above == "" ? "" : " ") line
    next
}

/^(message|enum) / {
    sub(/ *Next free tag: [0-9]+\./, "", above)
    row($2, "", above, "0")
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
    range = "0"
    if ($2 ~ /^(u?int(32|64)|float|double)$/) {
        end = index(comment ";", ";")
        range = range_of(substr(comment, 1, end - 1))
        if (range == "") {
            printf "%s:%d: %s.%s: '%s' does not start with a range\n", FILENAME, FNR,
                   scope, name, comment > "/dev/stderr"
            exit 1
        }
        comment = substr(comment, end + 1)
        sub(/^ */, "", comment)
    }
    row(scope, name, comment, range)
}

{ above = "" }
