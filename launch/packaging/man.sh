#!/bin/sh
# usage: man.sh PROGRAM VERSION DIRECTORY: a manual page for the program and each of its
# commands, from what --help says.
set -eu
program=$1 version=$2 out=$3
mkdir -p "$out"
rm -f "$out"/*.1

page() { # name, one line about it; its help on stdin
    awk -v name="$1" -v about="$2" -v version="$version" '
        function text(s) { gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s); sub(/^[.\x27]/, "\\\\\\&&", s); return s }
        function section(title) { print ".SH " title; filled = title == "DESCRIPTION" }
        BEGIN {
            printf ".TH %s 1 \"\" \"ptrain %s\" \"ptrain\"\n", toupper(name), version
            print ".SH NAME"
            print text(name) " \\- " text(about)
        }
        /^Usage: / { section("SYNOPSIS"); print text(substr($0, 8)); used = 1; next }
        used == 1 && /^$/ { section("DESCRIPTION"); used = 2; next }
        /^Examples?:$/ { if (open) print ".fi"; open = 0; section("EXAMPLES"); print ".nf"; open = 1; next }
        /^  / && filled { section("OPTIONS"); print ".nf"; open = 1 }
        { print text($0) }
        END {
            if (open) print ".fi"
            if (name != "ptrain") { print ".SH SEE ALSO"; print ".BR ptrain (1)" }
        }' >"$out/$1.1"
}

"$program" --help | page ptrain "fine-tune convolutional networks on a cluster of CPUs"
"$program" --help | sed -n '/^Example/q; s/^  \([a-z][a-z-]*\)  *\(.*\)/\1 \2/p' | while read -r command about; do
    [ "$command" = help ] || "$program" "$command" --help | page "ptrain-$command" "$about"
done
