# Completion for fish, from ptrain's own help.
function __ptrain_commands
    ptrain $argv --help 2>/dev/null | sed '/^Example/,$d' | string replace -rf '^  ([a-z][a-z-]*)  +(.*)' '$1\t$2'
end
function __ptrain_options
    set -l words (commandline -opc)
    ptrain $words[2] --help 2>/dev/null | string match -rag -- '(?:^|[ ,])(--[a-z][a-z-]*=?)' | sort -u
end
function __ptrain_keys
    ptrain config schema 2>/dev/null | string replace -rf '^  ([a-z_][a-z_0-9.]*)  \(.*' '$1='
end
complete -c ptrain -n __fish_use_subcommand -f -a '(__ptrain_commands)'
complete -c ptrain -n '__fish_seen_subcommand_from config; and test (count (commandline -opc)) = 2' -f -a '(__ptrain_commands config)'
complete -c ptrain -n '__fish_seen_subcommand_from bench; and test (count (commandline -opc)) = 2' -f -a '(__ptrain_commands bench)'
complete -c ptrain -n 'string match -q -- "-*" (commandline -ct)' -f -a '(__ptrain_options)'
complete -c ptrain -l set -x -a '(__ptrain_keys)'
