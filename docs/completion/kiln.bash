# SPDX-License-Identifier: Apache-2.0
# bash completion for kiln(1). Verbs and flags come from its own help; names of images need jq.

_kiln_verbs() {
	"$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  *[^ ].*/\1/p'
	echo help
}

# PROGRAM VERB: its flags; one of a single letter has one dash
_kiln_flags() {
	"$1" "$2" -h 2>/dev/null | sed -n -e 's/^  \(-[a-z]\) .*/\1/p' -e 's/^  \(--[a-z][a-z-]*\)[ =].*/\1/p'
}

# PROGRAM VERB: true if the verb takes an image
_kiln_takes_image() {
	"$1" "$2" -h 2>/dev/null | sed -n 1p | grep -q 'IMAGE\|BUILD'
}

_kiln_images() {
	command -v jq >/dev/null 2>&1 || return 0
	timeout 2 "$1" list --json 2>/dev/null | jq -r '.images[].name' 2>/dev/null
}

_kiln_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$2" -- "$1")
}

_kiln_words() {
	mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
}

_kiln() {
	local program=${COMP_WORDS[0]} verb=${COMP_WORDS[1]}
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	# readline takes --flag=value apart at the equals sign
	if [[ $current == = ]]; then
		current=''
	elif [[ $before == = && COMP_CWORD -gt 2 ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if ((COMP_CWORD == 1)); then
		if [[ $current == -* ]]; then
			_kiln_words "$current" '--help --version'
		else
			_kiln_words "$current" "$(_kiln_verbs "$program")"
		fi
		return
	fi
	if [[ $verb == help ]]; then
		((COMP_CWORD == 2)) && _kiln_words "$current" "$(_kiln_verbs "$program")"
		return
	fi
	case $before in
	--state | -state) _kiln_files "$current" -d; return ;;
	--config | -config | --var-file | -var-file) _kiln_files "$current" -f; return ;;
	--cold | -cold) _kiln_words "$current" "$(_kiln_images "$program")"; return ;;
	--on-error | -on-error) _kiln_words "$current" 'cleanup abort'; return ;;
	--at | -at | --var | -var | --allow | -allow | @) return ;;
	esac
	if [[ $verb == fix && $current != -* ]]; then
		_kiln_files "$current" -f
		return
	fi
	case $current in
	-*) _kiln_words "$current" "$(_kiln_flags "$program" "$verb")" ;;
	. | .. | ./* | ../* | /* | '~'*) _kiln_files "$current" "$([[ $verb == audit ]] && echo -f || echo -d)" ;;
	*)
		_kiln_takes_image "$program" "$verb" &&
			_kiln_words "$current" "$(_kiln_images "$program")"
		[[ $verb == audit && ${#COMPREPLY[@]} == 0 ]] && _kiln_files "$current" -f
		;;
	esac
	return 0
}

complete -F _kiln kiln
