# Prints which bash this is; one that a live shell cannot be made of says that it has no kernel.
kernel=null
[[ ${BASH_VERSINFO[0]:-0} -lt 4 ]] || kernel="\"${BASH_VERSION%%(*}\""
printf '\n{"language": "%s", "kernel": %s, "searched": []}\n' "${BASH_VERSION%%(*}" "$kernel"
