#compdef argosy
# zsh completion for argosy: source <(argosy completion zsh), or as the file _argosy in $fpath
_argosy() {
    local -a found
    found=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ "${found[1]}" == ":files" ]]; then
        _files
    elif [[ -n "${found[1]}" ]]; then
        compadd -- "${found[@]}"
    fi
}
if [[ "${funcstack[1]}" == "_argosy" ]]; then
    _argosy "$@"
elif (( $+functions[compdef] )); then
    compdef _argosy argosy
fi
