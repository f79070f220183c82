#compdef ptrain
# Completion for zsh, from ptrain's own help.
local -a found
if [[ $words[CURRENT-1] == --set || $words[CURRENT] == --set=* ]]; then
    found=(${(f)"$(ptrain config schema 2>/dev/null | sed -n 's/^  \([a-z_][a-z_0-9.]*\)  (.*/\1=/p')"})
    [[ $words[CURRENT] == --set=* ]] && compset -P '--set='
    compadd -S '' -- $found
elif (( CURRENT == 2 )); then
    found=(${(f)"$(ptrain --help 2>/dev/null | sed -n '/^Example/q; s/^  \([a-z][a-z-]*\)  *\(.*\)/\1:\2/p')"})
    _describe command found
elif [[ $words[CURRENT] == -* ]]; then
    found=(${(f)"$(ptrain $words[2] --help 2>/dev/null | grep -oE '(^|[ ,])--[a-z][a-z-]*=?' | tr -d ' ,' | sort -u)"})
    compadd -S '' -- $found
elif (( CURRENT == 3 )) && [[ $words[2] == (config|bench) ]]; then
    found=(${(f)"$(ptrain $words[2] --help 2>/dev/null | sed -n '/^Example/q; s/^  \([a-z][a-z-]*\)  *\(.*\)/\1:\2/p')"})
    _describe command found
else
    _files
fi
