# The loop that the bash of a session is in (process/shell.py): tell how the last command ended, take the next one,
# until there is none. It is sourced anew whenever bash has come back to its top level, as one line: commands number
# their own lines from it.
#
# During a command nothing of ours is open and nothing is redirected, so that descriptors of any number are the user's.
# Their traps for every command, and their tracing, would meet our commands too: they are told, and taken off, and the
# text of the next command begins by putting them back. Whatever ours still set off by then is not seen.
# `__execd_in` is 2 from when the next one has been read, and 1 when they have been put back.
__execd_status() { \builtin return "$1"; };
__execd_back() { __execd_in=1; \builtin export -n __execd_in; \builtin return "$1"; };
{ \exec 0</dev/null; \builtin printf '\0+\0' >"$__execd_tell"; } >/dev/null 2>&1;
while {
    __execd_code=${__execd_code:-$?} __execd_flags=${__execd_flags:-$-} __execd_was=${__execd_in:-0} __execd_in=;
    \unset -f builtin;
    \builtin set +xva;
    \builtin export -n __execd_code __execd_flags __execd_was __execd_in;
    \builtin trap -p ERR DEBUG >"$__execd_tell";
    \builtin trap - ERR DEBUG;
    \builtin printf '\0%s %s %s %s\0' "$__execd_code" "$__execd_was" "$__execd_flags" "${__execd_id-}" >"$__execd_tell" &&
        __execd_code= __execd_flags= &&
        {
            # What an interrupt has torn does not begin with the key; the key alone says that there are no more.
            while IFS= \builtin read -r -d '' __execd_id && [[ $__execd_id != "$__execd_key"* ]]; do \builtin :; done;
            [[ $__execd_id == "$__execd_key"?* ]] && IFS= \builtin read -r -d '' __execd_text;
        } <"$__execd_take" &&
        \builtin printf '>%s\0' "$__execd_id" >"$__execd_tell" &&
        __execd_in=2;
} >/dev/null 2>&1; do
    # `$?` as it was, by what sets off neither `set -e` nor a trap.
    { __execd_status "${__execd_id##* }" && \builtin :; } >/dev/null 2>&1;
    \builtin eval "$__execd_text";
done;
# A command that says `break` is none; who cannot be told, or will not take any more, ends as the last command did.
[[ ${__execd_in-} ]] || \builtin exit "${__execd_code:-0}"
