# fish completion for argosy: argosy completion fish | source
function __argosy_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -l found ($words[1] complete -- $words[2..-1] "$last" 2>/dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path "$last"
    else if set -q found[1]
        printf '%s\n' $found
    end
end
complete -c argosy -f -a '(__argosy_complete)'
