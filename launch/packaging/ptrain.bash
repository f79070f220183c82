# Completion for bash. Everything comes from ptrain's own help, so that it cannot differ.
_ptrain_commands() { # of `ptrain [COMMAND] --help`
    ptrain "$@" --help 2>/dev/null | sed -n '/^Example/q; s/^  \([a-z][a-z-]*\)  .*/\1/p'
}
_ptrain_options() {
    ptrain "$@" --help 2>/dev/null | grep -oE '(^|[ ,])--[a-z][a-z-]*=?' | tr -d ' ,' | sort -u
}
_ptrain_keys() {
    ptrain config schema 2>/dev/null | sed -n 's/^  \([a-z_][a-z_0-9.]*\)  (.*/\1=/p'
}
_ptrain() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} at=$COMP_CWORD
    local command=${COMP_WORDS[1]}
    COMPREPLY=()
    # bash makes three words of --set=KEY.
    [ "$current" = = ] && current= before== at=$((at + 1))
    if [ "$before" = --set ] || { [ "$before" = = ] && [ "${COMP_WORDS[at - 2]}" = --set ]; }; then
        mapfile -t COMPREPLY < <(compgen -W "$(_ptrain_keys)" -- "$current")
        compopt -o nospace 2>/dev/null
    elif [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_ptrain_commands)" -- "$current")
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_ptrain_options "$command")" -- "$current")
        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
    elif [ "$COMP_CWORD" = 2 ] && [[ $command =~ ^(config|bench|help)$ ]]; then
        [ "$command" = help ] && command=
        # shellcheck disable=SC2086
        mapfile -t COMPREPLY < <(compgen -W "$(_ptrain_commands $command)" -- "$current")
    fi
}
complete -o bashdefault -o default -F _ptrain ptrain
