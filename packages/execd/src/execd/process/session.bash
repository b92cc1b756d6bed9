# Read by the bash of a session whenever it is at its top level (process/shell.py): tell how the last command ended, take
# the next one and say so, until there is none. Descriptors 198 and 199 are ours: commands neither inherit nor see them.
{ \builtin printf '+%s %s\0' "$?" "$__execd_id" >&199; } 2>/dev/null
while {
    \builtin printf '%s %s\0' "$?" "$__execd_id" >&199
    IFS= \builtin read -r -d '' __execd_id <&198 && IFS= \builtin read -r -d '' __execd_text <&198 \
        && \builtin printf '>%s\0' "$__execd_id" >&199
} >/dev/null 2>&1; do
\builtin eval "$__execd_text" </dev/null 198<&- 199>&-
done
