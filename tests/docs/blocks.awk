# Indented blocks of Markdown files and commands in the comments of YAML files (``` stands
# around what is no command), each as
#     @ FILE:LINE
#     its text
# before it, in Markdown, `@name NAME` if the paragraph above ends with "`NAME.yaml`".
function flush() {
    if (block != "") printf "@ %s:%d %s\n%s", FILENAME, start, name, block
    block = ""
}
FNR == 1 { flush(); blank = 1; name = "" }

FILENAME ~ /\.md$/ && /^```/ { fenced = !fenced }
FILENAME ~ /\.md$/ {
    if (fenced) next
    if ($0 ~ /^    / && (blank || block != "")) {
        if (block == "") start = FNR
        block = block substr($0, 5) "\n"
    } else if ($0 == "") {
        blank = 1
        next
    } else {
        flush()
        name = ""
        if (match($0, /`[a-z_0-9]+\.yaml`/)) name = substr($0, RSTART + 1, RLENGTH - 2)
    }
    blank = 0
    next
}

# A command stands after two blanks or more, to the end of the line or of its continuation.
{
    if (more || match($0, /^#.*  +(build\/)?(ptrain|mpirun|awk|python3|export) /)) {
        text = $0
        if (more) sub(/^# */, "", text)
        else { sub(/^#(.*[^ ])?   */, "", text); start = FNR }
        block = block text "\n"
        more = text ~ /\\$/
        if (!more) flush()
    }
}
END { flush() }
