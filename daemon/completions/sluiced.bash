# shellcheck shell=bash
# Completions of sluiced for bash. Verbs and options are asked of the program itself, so that they
# are those of the one that is installed.

_sluiced() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local program=${COMP_WORDS[0]} verb=${COMP_WORDS[1]-}
  local words=

  # Words, not globs: what the program prints is split at white space.
  if ((COMP_CWORD == 1)) || { ((COMP_CWORD == 2)) && [[ $verb == help ]]; }; then
    words=$("$program" help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
  elif [[ $before == --user ]]; then
    words=$(compgen -u)
  elif [[ $word == -* ]]; then
    words=$("$program" help "$verb" 2>/dev/null |
      sed -n '/^Options:/,$s/^  \(-[a-z],\)\{0,1\}\(--[a-z-]*\|-[a-z]\) .*/\1 \2/p' | tr , ' ')
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _sluiced sluiced
