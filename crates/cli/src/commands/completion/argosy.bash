# bash completion for argosy: source <(argosy completion bash)
_argosy() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ "$word" == ":files" ]]; then
            compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
            return
        fi
        COMPREPLY+=("$word")
    done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _argosy argosy
