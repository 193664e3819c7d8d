#!/usr/bin/env bash
# Client of contactd in bash (4.4 or newer) and nothing else: /dev/tcp and builtins.
#
#   contactd.sh CHECK LIST PHONE          one request, word by word; JSON is one word
#   contactd.sh < requests                many, a line each, sent without waiting; replies as they come on the wire
#   contactd.sh import LIST [REGION] < contacts.csv
#   contactd.sh export LIST [FILTER…] > contacts.csv
#
#   source contactd.sh
#   contactd_check LIST PHONE && send …   0 for yes alone; CONTACTD_REASON says why not
#   contactd_claim LIST PHONE MSG_ID && send …
#   contactd WORD…                        prints the reply without its mark
#
# Exit codes: 0 done or yes; 1 nil, no, or refused rows; 2 an error, the daemon's or the connection's. CONTACTD_SERVER
# is host:port (127.0.0.1:7164), CONTACTD_TOKEN the token, CONTACTD_TIMEOUT the seconds to wait for a reply (10).
#
# A sourced shell keeps one connection, and a subshell or background job makes its own, so that replies never mix. When
# it is lost, questions are asked again; what changes something is not repeated: its exit code is 2, send it again.

_contactd_fd=''      # the connection
_contactd_owner=''   # the process that made it
_contactd_busy=''    # a request whose reply has not been read to its end
_contactd_new=''     # whether the connection was made for this request
# Why the last contactd_check or contactd_claim did not say yes.
# shellcheck disable=SC2034 # for whoever sources this
CONTACTD_REASON=''

# For replies that come when there is something to answer: 24 days.
_contactd_forever=2000000

_contactd_say() { printf 'contactd.sh: %s\n' "$*" >&2; }

_contactd_close() {
    [[ -n $_contactd_fd && $_contactd_owner == "$BASHPID" ]] && exec {_contactd_fd}>&-
    _contactd_fd='' _contactd_busy=''
}

# Makes the connection unless there is a good one.
_contactd_open() {
    # Something to read where no request is open is the end of the connection, or nothing that one could trust.
    if [[ -n $_contactd_fd && $_contactd_owner == "$BASHPID" && -z $_contactd_busy ]]; then
        if ! read -r -t 0 -u "$_contactd_fd"; then
            _contactd_new=''
            return 0
        fi
    fi
    _contactd_close
    local server=${CONTACTD_SERVER:-127.0.0.1:7164} host port line
    host=${server%:*} port=${server##*:}
    host=${host#\[} host=${host%\]}
    if [[ $server == tls:* ]]; then
        _contactd_say "bash does not speak TLS, so '$server' needs another client or a tunnel. Take contactd.py, or" \
            "\`contactd call\`. Or run \`socat TCP-LISTEN:7164,bind=127.0.0.1,fork" \
            "OPENSSL:${server#tls:},cafile=FILE\` and set CONTACTD_SERVER=127.0.0.1:7164"
        return 2
    fi
    if [[ $server == unix:* || ! $port =~ ^[0-9]+$ ]]; then
        _contactd_say "'$server' is no address that bash can reach: host:port"
        return 2
    fi
    if ! { exec {_contactd_fd}<>"/dev/tcp/$host/$port"; } 2>/dev/null; then
        _contactd_fd=''
        _contactd_say "cannot reach contactd on $server"
        return 2
    fi
    _contactd_owner=$BASHPID
    if [[ -n ${CONTACTD_TOKEN:-} ]]; then
        # Unlike AUTH, HELLO takes a token from a daemon that needs none.
        _contactd_send HELLO 2 AUTH contactd "$CONTACTD_TOKEN"
        _contactd_line line || return 2
        if [[ $line != '*6' ]]; then
            _contactd_say "${line#-}"
            _contactd_close
            return 2
        fi
        for _ in 1 2 3 4 5 6; do _contactd_line line || return 2; done
        _contactd_busy=''
    fi
    _contactd_new=yes
}

# Sends one request as an array, in which nothing in a word can end it or begin another.
_contactd_send() {
    local LC_ALL=C request="*$#"$'\r\n' word
    for word in "$@"; do request+="\$${#word}"$'\r\n'"$word"$'\r\n'; done
    _contactd_busy=yes
    printf '%s' "$request" 1>&"$_contactd_fd"
}

# Reads one line of a reply into the variable $1. What has no end is none.
_contactd_line() {
    local _line
    if ! IFS= read -r -t "${CONTACTD_TIMEOUT:-10}" -u "$_contactd_fd" _line || [[ $_line != *$'\r' ]]; then
        _contactd_close
        _contactd_say 'connection lost, or no reply in time'
        return 2
    fi
    printf -v "$1" '%s' "${_line%$'\r'}"
}

# Sends one request. Its reply is then to be read; the first line is in the variable $1.
_contactd_ask() {
    local IFS=' ' _first=$1
    shift
    _contactd_open || return
    if [[ ${1^^} == EXPORT ]]; then
        # A stream is no reply that Redis libraries know, so it is asked for in a line.
        if [[ $* == *[$'\r\n']* ]]; then
            _contactd_say 'a filter is one line'
            return 2
        fi
        _contactd_busy=yes
        printf '%s\n' "$*" 1>&"$_contactd_fd"
    else
        _contactd_send "$@"
    fi
    if ! _contactd_line "$_first" 2>/dev/null; then
        # An old connection may have been lost long ago. A question may be asked twice.
        case ${_contactd_new:-old}.${1^^} in
            old.CHECK | old.GET | old.COUNT | old.FIND | old.EXPORT | old.HISTORY | old.LABELS | old.LISTS | \
                old.NORMALIZE | old.PING | old.STATS | old.FEED | old.WHY | old.TRENDS | old.CLAIMS | old.CLIENTS | old.SETTINGS | old.INBOX) _contactd_ask "$_first" "$@" ;;
            *)
                _contactd_say 'connection lost, or no reply in time: whether the request took effect is not known'
                return 2
                ;;
        esac
    fi
}

# Prints a line of a reply without its mark. 1 for nil, 2 for an error.
_contactd_show() {
    case $1 in
        [+:]*) printf '%s\n' "${1#?}" ;;
        '$-1' | _) return 1 ;;
        *)
            printf '%s\n' "${1#-}" >&2
            return 2
            ;;
    esac
}

# One request, word by word. Prints its reply; what is not "yes" to CHECK or CLAIM is at least 1.
contactd() {
    local line item code=0 left
    if (($# == 0)); then
        _contactd_say 'no request'
        return 2
    fi
    # These may take longer than others.
    case ${1^^} in FEED | VERIFY | PURGE) local CONTACTD_TIMEOUT=600 ;; esac
    _contactd_ask line "$@" || return
    case $line in
        '*?')
            while _contactd_line item; do
                [[ $item == . ]] && break
                _contactd_show "$item" || code=$?
            done
            [[ $item == . ]] || return 2
            ;;
        '*'*)
            for ((left = ${line#?}; left > 0; left--)); do
                _contactd_line item || return
                _contactd_show "$item" || code=$?
                _contactd_verdict "$1" "$item" || ((code)) || code=1
            done
            ;;
        '$'[0-9]*)
            _contactd_line item || return
            printf '%s\n' "$item"
            ;;
        *)
            _contactd_show "$line" || code=$?
            _contactd_verdict "$1" "$line" || ((code)) || code=1
            ;;
    esac
    _contactd_busy=''
    return "$code"
}

# Whether a reply to this verb is no verdict, or the one that lets send.
_contactd_verdict() {
    case ${1^^} in CHECK | CLAIM) [[ $2 == +yes ]] ;; esac
}

# May I send to this contact from this list, now? 0 for yes and for nothing else, 1 for no, 2 for an error.
contactd_check() {
    if (($# != 2)); then
        _contactd_say 'usage: contactd_check LIST PHONE'
        return 2
    fi
    _contactd_yes CHECK "$@"
}

# The same at the last moment, and the send is recorded under your MSG_ID: "dup …" if that id was granted before.
contactd_claim() {
    if (($# != 3)); then
        _contactd_say 'usage: contactd_claim LIST PHONE MSG_ID'
        return 2
    fi
    _contactd_yes CLAIM "$@"
}

# shellcheck disable=SC2034 # CONTACTD_REASON is for whoever sources this
_contactd_yes() {
    local verdict
    CONTACTD_REASON='no reply'
    _contactd_ask verdict "$@" || return 2
    _contactd_busy=''
    CONTACTD_REASON=${verdict#?}
    case $verdict in
        +yes) CONTACTD_REASON='' ;;
        '+no '* | '+dup '*) return 1 ;;
        -*) return 2 ;;
        *)
            _contactd_close
            return 2
            ;;
    esac
}

# Requests from standard input, a line each, sent while replies are read. Replies are printed with their marks.
contactd_pipe() {
    local line end="end-$RANDOM$RANDOM$RANDOM" code=0 writer CONTACTD_TIMEOUT=$_contactd_forever
    _contactd_open || return
    _contactd_pass "$end" <&0 1>&"$_contactd_fd" 2>/dev/null &
    writer=$!
    while _contactd_line line 2>/dev/null; do
        [[ $line == "+$end"* ]] && break
        printf '%s\n' "$line"
        case $line in
            -*) code=2 ;;
            '$-1' | _ | '+no '* | '+dup '*) ((code)) || code=1 ;;
        esac
    done
    case ${line-} in
        "+$end") ;;
        "+$end:quit") _contactd_line line && printf '%s\n' "$line" ;;
        "+$end:torn")
            _contactd_say 'the last line breaks off: it was not sent'
            code=2
            ;;
        *)
            kill "$writer" 2>/dev/null
            _contactd_say 'connection lost, or no reply in time: what was not answered may have been done or not'
            code=2
            ;;
    esac
    _contactd_close
    return "$code"
}

# Passes whole lines on, and then asks for a sign of the end, which tells what the end was. As on the wire, a last line
# without end is not executed, nor is what follows QUIT.
_contactd_pass() {
    local line
    trap '' PIPE
    while IFS= read -r line; do
        if [[ ${line^^} =~ ^\ *QUIT\ *$'\r'?$ ]]; then
            printf 'PING %s\nQUIT\n' "$1:quit"
            return
        fi
        printf '%s\n' "$line" || return
    done
    printf 'PING %s\n' "$1${line:+:torn}"
}

# CSV with clean headings from standard input onto a list; `contactd import` reads any spreadsheet. Prints what became
# of the rows; refused ones go to standard error. Of a refused row only what it forbids is taken.
contactd_import() {
    local LC_ALL=C IFS=' ' list=${1-} region=${2-} line end="end-$RANDOM$RANDOM$RANDOM" cells names=() row=0
    local read_lines=0 torn='' patience=${CONTACTD_TIMEOUT:-10} CONTACTD_TIMEOUT=$_contactd_forever
    local refused='' taken='' refusals=() forbidden=0 lost=0 import_id row_facts
    local -A doubted=()
    local -A rows=([created]=0 [updated]=0 [unchanged]=0 [kept]=0 [refused]=0)
    if (($# < 1 || $# > 2)) || [[ ! $list =~ ^(\+?[0-9]+|\*)$ || ! $region =~ ^([A-Z]{2})?$ ]]; then
        _contactd_say 'usage: contactd_import LIST [REGION] < contacts.csv'
        return 2
    fi
    if ! _contactd_cells || ! _contactd_headings || ! _contactd_file_name; then return 2; fi
    _contactd_open || return
    TZ=UTC printf -v import_id '%(%Y-%m-%dT%H:%M:%SZ)T' -1
    _contactd_rows "$end" <&0 1>&"$_contactd_fd" &
    while _contactd_line line; do
        if [[ $line == '$'[0-9]* ]]; then
            # Behind each row comes whom it means and what it forbids, should the row be refused.
            _contactd_line line || break
            [[ -n $refused ]] || continue
            doubted["${line%%'|'*}|$(_contactd_numbers_in "$line")"]=1
            row_facts=${line#*'|'} row_facts=${row_facts%%'|'*}
            if [[ -n $row_facts ]] && ! _contactd_is_taken "$taken" "$line"; then
                [[ -z $taken ]] || ((--forbidden))
                refusals+=("$row|$line")
            fi
            continue
        fi
        [[ $line == "+$end"* ]] && break
        ((++row))
        refused='' taken=''
        case $line in
            +created* | +updated* | +unchanged* | +kept*)
                line=${line%% *}
                ((++rows[${line#+}]))
                ;;
            *)
                ((++rows[refused]))
                refused=yes
                if [[ $line =~ ^(-[A-Z]+)\ taken\ \+[0-9]+\  ]]; then
                    taken=${line%%;*}
                    ((++forbidden))
                    line="${BASH_REMATCH[1]}${line#*;}"
                fi
                [[ $line == +skipped ]] || _contactd_say "row $row: ${line#-}"
                [[ -z $taken ]] || _contactd_say "row $row: its $(_contactd_taken_words "$taken")"
                ;;
        esac
    done
    _contactd_close
    [[ $line == "+$end:"* ]] && torn=${line##*:}
    CONTACTD_TIMEOUT=$patience
    ((${#refusals[@]} == 0)) || _contactd_hand_over "${refusals[@]}"
    ((${#doubted[@]} == 0)) || _contactd_take_back "${!doubted[@]}" || line=lost
    printf '%s created  %s updated  %s unchanged  %s kept  %s refused%s%s\n' "${rows[created]}" "${rows[updated]}" \
        "${rows[unchanged]}" "${rows[kept]}" "${rows[refused]}" \
        "$( ((forbidden)) && printf ', of which %s forbid: that was taken' "$forbidden")" \
        "${torn:+  nothing from line $torn on}"
    if [[ -n $torn ]]; then
        _contactd_say "from line $torn on nothing is taken, opt-outs included: mend the line and import the file again"
    fi
    if ((lost)); then
        _contactd_say "$lost refused rows say that somebody may not be sent to, and that was NOT taken: see to them"
    fi
    if ((rows[refused])); then
        _contactd_say 'of a refused row only what it forbids is taken, where number and refusal can be read, as of now' \
            'where its date cannot: mend the rows and import them'
    fi
    [[ $line == "+$end" ]] || return 2
    ((rows[refused] == 0)) || return 1
}

# The numbers in what _contactd_facts makes of a row, a line each without what people write beside them.
_contactd_numbers_in() {
    local left number
    left=${1#*'|'} left=${left#*'|'} left=${left%%'|'*}
    while [[ $left =~ \+?\(?[0-9][0-9().\ -]* ]]; do
        number=${BASH_REMATCH[0]} left=${left#*"${BASH_REMATCH[0]}"}
        number=${number%"${number##*[0-9]}"}
        [[ ${number//[!0-9]/} != ???????* ]] || printf '%s;' "$number"
    done
}

# Opts out the numbers of refused rows that another row of the file has subscribed, for nobody knows whether the refused one
# forbids. Each argument is a region and numbers, which end in semicolons, with | between them.
_contactd_take_back() {
    local doubt region phone left line items is_here
    for doubt in "$@"; do
        left=${doubt#*'|'}
        while [[ -n $left ]]; do
            phone=${left%%;*} left=${left#*;} region=${doubt%%'|'*}
            _contactd_number || continue
            _contactd_ask line HISTORY "$phone" KIND subscribe || return
            is_here='' items=0
            [[ $line != '*'* ]] || items=${line#?}
            while ((items-- > 0)); do
                _contactd_line line || return
                [[ $line != '$'* ]] || _contactd_line line || return
                [[ $line != *"\"id\":\"$import_id\""* || $line != *"\"list\":\"$list\""* ]] || is_here=yes
            done
            _contactd_busy=''
            [[ -n $is_here ]] || continue
            _contactd_ask line OPTOUT "$list" "$phone" \
                '{"how":"import","reason":"another row was refused, and may say no"}' || return
            _contactd_busy=''
            _contactd_say "$phone: a row subscribed it and another one was refused: opted out of $list"
        done
    done
}

# What contactd says that it took of a refused row, in words.
_contactd_taken_words() {
    local what=''
    [[ $1 == *' opted out of '* ]] && what+=' and opt-out'
    [[ $1 == *' suppressed '* ]] && what+=' and suppression'
    [[ $1 == *' invalid'* ]] && what+=' and invalid number'
    printf '%s was taken%s' "${what#' and '}" "$([[ $1 == *' as of now'* ]] && printf ', as of now')"
}

# Whether contactd says that it took, of a refused row, every fact of $2, which is as _contactd_facts makes it. $1 is what it took.
_contactd_is_taken() {
    local facts=${2#*|}
    facts=\;${facts%%|*}
    [[ -n $1 ]] || return
    [[ $facts != *';optout='* || $1 == *' opted out of '* ]] || return
    [[ $facts != *';suppress='* || $1 == *' suppressed '* ]] || return
    [[ $facts != *';invalid='* || $1 == *' invalid'* ]]
}

# Takes what refused rows forbid: each argument is the row, its region, the facts with their dates, the number as it is
# written, and more for the JSON, with | between them.
_contactd_hand_over() {
    local refusal row region facts phone more line fact verb words what left undated
    for refusal in "$@"; do
        IFS='|' read -r row region facts phone more <<<"$refusal"
        what='' undated='' left=$facts\;
        while [[ -n $left ]]; do
            verb=${left%%=*} left=${left#*;}
            case $verb in
                optout) what+=' and opt-out' ;;
                suppress) what+=' and suppression' ;;
                *) what+=' and invalid number' ;;
            esac
        done
        what=${what#' and '}
        if ! _contactd_number; then
            ((++lost))
            _contactd_say "row $row: IT SAYS ${what^^}, BUT ITS NUMBER CANNOT BE READ: see to it"
            continue
        fi
        left=$facts\;
        while [[ -n $left ]]; do
            fact=${left%%;*} left=${left#*;}
            case $fact in
                optout=*) words=(OPTOUT "$list" "$phone") ;;
                suppress=*)
                    words=(SUPPRESS "$list" "$phone")
                    [[ $list == '*' ]] && words=(SUPPRESS "$phone")
                    ;;
                *) words=(INVALID "$phone") ;;
            esac
            if ! _contactd_forbid "${fact#*=}"; then
                ((++lost))
                _contactd_say "row $row: IT SAYS ${what^^}, WHICH WAS NOT TAKEN: ${line#-}"
                continue 2
            fi
        done
        ((++forbidden))
        _contactd_say "row $row: its $what was taken$undated"
    done
}

# Sets `phone` to its E.164, if it can be read. What forbids takes every number, in a numbering plan or not; and one with signs in it or
# beside it, or a few letters before it (`9175550123*`, `US9175550123`, `$9,175,550,123`), where no digit is missing.
_contactd_number() {
    local compact=${phone//[ ().\'-]/} letters number
    local signs='^[]~$!` []*[?*#_]?[ ]*([A-Za-z]{0,3}) *(\+?\(?[0-9][0-9().,_ -]*[0-9])[! ]*[?*#_]?[! ]*$'
    [[ $region =~ ^([A-Za-z]{2}|-)$ ]] || region=''
    [[ -n $phone && (-n $region || $compact == +*) ]] || return
    _contactd_ask line NORMALIZE "${region:--}" "$phone" || return
    _contactd_busy=''
    if [[ $line == ++* ]]; then
        phone=${line#+}
    elif [[ $compact =~ ^\+[1-9][0-9]{6,14}$ ]]; then
        phone=$compact
    elif [[ $phone =~ $signs ]]; then
        letters=${BASH_REMATCH[1]} number=${BASH_REMATCH[2]//[,_]/}
        [[ ! $letters =~ ^[OoIlQ]+$ ]] || return
        _contactd_ask line NORMALIZE "${region:--}" "$number" || return
        _contactd_busy=''
        [[ $line == ++* ]] && phone=${line#+}
    else
        return 1
    fi
}

# Asks for `words`, with the date $1 and with `more`, as far as the daemon takes these; else as of now.
_contactd_forbid() {
    local at json all=$more
    [[ ${words[0]} == OPTOUT ]] && all+=',"how":"import"'
    _contactd_quote at "$1"
    at=${1:+,\"at\":$at}
    for json in "$at$all" "$at" "$all" ''; do
        _contactd_ask line "${words[@]}" "{${json#,}}" || return
        _contactd_busy=''
        if [[ $line == :* ]]; then
            [[ -n $at && $json == "$at"* ]] || undated=', as of now'
            return 0
        fi
        [[ $line == -BADARG* ]] || return
    done
    return 1
}

# Reads a record of a CSV file into `cells`; 1 at the end of the file, and where quotes leave open what is a cell: the
# line of that is then in `torn`, for nobody knows what the lines behind it are.
_contactd_cells() {
    local - IFS=, line cell begun
    set -f
    cells=()
    while :; do
        IFS= read -r line || [[ -n $line ]] || return 1
        begun=$((++read_lines))
        line=${line%$'\r'}
        [[ -n $line ]] && break
    done
    if [[ $line != *'"'* ]]; then
        # A comma behind the last cell keeps it, should it be empty.
        line+=,
        # shellcheck disable=SC2206 # it is to be split, at commas
        cells=($line)
        return 0
    fi
    while :; do
        if [[ $line != '"'* ]]; then
            cells+=("${line%%,*}")
            [[ $line == *,* ]] || return 0
            line=${line#*,}
            continue
        fi
        line=${line#'"'} cell=''
        while :; do
            while [[ $line != *'"'* ]]; do
                cell+=$line$'\n'
                if ! IFS= read -r line && [[ -z $line ]]; then
                    _contactd_torn 'a quote has no end'
                    return 1
                fi
                ((++read_lines))
                line=${line%$'\r'}
            done
            cell+=${line%%'"'*}
            line=${line#*'"'}
            [[ $line == '"'* ]] || break
            cell+='"' line=${line#'"'}
        done
        # Such a quote may well be the one that was to open the cell of a later line.
        if [[ -n $line && $line != ,* ]]; then
            _contactd_torn 'behind a quoted cell comes neither a comma nor the end of the line'
            return 1
        fi
        cells+=("$cell")
        [[ -n $line ]] || return 0
        line=${line#,}
    done
}

_contactd_torn() {
    torn=$begun
    _contactd_say "line $begun: $1"
}

# Takes `cells` for the headings. An unknown one is refused, for it might be an opt-out under another name.
_contactd_headings() {
    local name
    cells[0]=${cells[0]#$'\xef\xbb\xbf'}
    for name in "${cells[@]}"; do
        case $name in
            phone_number) name=phone ;;
            label.?* | phone | region | status | verdict | how | source | reason | subscribed_at | opted_out_at | \
                suppressed_at | invalid_at | created_at | last_sent | last_clicked | last_engaged | last_inbound | \
                total_revenue | total_sends | total_clicks | total_bot_clicks | total_conversions | \
                sends_since_engaged) ;;
            *)
                _contactd_say "column '$name' is not known: expected a key of IMPORT, like opted_out_at, or label.KEY"
                return 2
                ;;
        esac
        names+=("$name")
    done
    [[ " ${names[*]} " == *' phone '* ]] || {
        _contactd_say "there is no column 'phone'"
        return 2
    }
    [[ " ${names[*]} " != *' verdict '* || " ${names[*]} " == *' status '* ]] || {
        _contactd_say "the column 'verdict' says who gets no messages, and there is no column 'status': use contactd import"
        return 2
    }
}

# Refuses a file whose name speaks of opt-outs, unless each of its rows has a status; where the system tells what standard
# input is.
_contactd_file_name() {
    local file word
    [[ " ${names[*]} " != *' status '* ]] && file=$(readlink /proc/self/fd/0 2>/dev/null) && [[ -f $file ]] || return 0
    word=${file##*/}
    _contactd_squeeze file "$word"
    case $file in
        *optout* | *optedout* | *optsout* | *unsub* | *blacklist* | *blocklist* | *denylist* | *stoplist* | *blocked* | \
            *donot* | *suppress* | *cleaned* | *bounce* | *invalid* | *undeliver* | *complain* | *revok* | *withdr* | \
            *cancel* | *remov* | *delet* | *refus* | *deceased* | *inactiv* | *lapsed* | *landline* | *abmeld* | \
            *abgemeld* | *desabonn* | *desinscri* | *disiscri* | *odhl*en* | *wypisan* | *rezygnac* | *uitschrij* | \
            *afmeld* | *avmeld* | *leirat* | *descadastr* | *sperrliste* | *gesperrt* | *widerruf* | *listanegra*) ;;
        *) [[ /${word,,} =~ [^a-z](stops?|dn[cd]|bad|dead|wrong|spam|bajas?)[^a-z] ]] || return 0 ;;
    esac
    _contactd_say "'$word' speaks of people who want no messages, and there is no column 'status': use" \
        'contactd import --as optout (or --as subscribe)'
    return 1
}

# Whether nothing stands in a cell.
_contactd_is_blank() {
    local text=${1#"${1%%[! ]*}"}
    text=${text%"${text##*[! ]}"}
    case ${text,,} in
        '' | - | -- | – | — | n/a | '#n/a' | na | none | null | nil | nan | undefined | '\n') return 0 ;;
    esac
    return 1
}

# Sets a variable to the calling code of a country as a cell has it, squeezed: of the few that a shell knows, its two letters or its
# English name; of others, to the cell as it is, which is no code of any.
_contactd_code() {
    local _code
    case $2 in
        us | usa | unitedstates | unitedstatesofamerica | america | ca | can | canada | 1) _code=1 ;;
        gb | gbr | uk | unitedkingdom | greatbritain | england | scotland | wales | 44) _code=44 ;;
        ie | irl | ireland | 353) _code=353 ;;
        au | aus | australia | 61) _code=61 ;;
        nz | nzl | newzealand | 64) _code=64 ;;
        in | ind | india | 91) _code=91 ;;
        de | deu | germany | deutschland | 49) _code=49 ;;
        at | aut | austria | 43) _code=43 ;;
        ch | che | switzerland | 41) _code=41 ;;
        fr | fra | france | 33) _code=33 ;;
        es | esp | spain | 34) _code=34 ;;
        it | ita | italy | italia | 39) _code=39 ;;
        nl | nld | netherlands | 31) _code=31 ;;
        be | bel | belgium | 32) _code=32 ;;
        mx | mex | mexico | 52) _code=52 ;;
        br | bra | brazil | brasil | 55) _code=55 ;;
        *) _code=$2 ;;
    esac
    printf -v "$1" '%s' "$_code"
}

# Refuses the row in `cells` if its number has no plus and a label names a country that is not known to be the one in which it is
# read: it could be a stranger's. Sets `unclear`.
_contactd_ask_country() {
    local at key cell here=$region code there
    for at in "${!names[@]}"; do
        case ${names[at]} in
            phone) [[ ! ${cells[at]} =~ ^[\ \']*\+ ]] || return 0 ;;
            region) [[ -z ${cells[at]} ]] || here=${cells[at]} ;;
        esac
    done
    _contactd_squeeze code "$here"
    _contactd_code code "$code"
    for at in "${!names[@]}"; do
        [[ ${names[at]} == label.* ]] || continue
        _contactd_squeeze key "${names[at]#label.}"
        [[ $key =~ ^(country|nationality|residence|(land|pais|pays|paese|nation|ulke|kraj|orszag|staat|iso|cc|geo|market)$) ]] || continue
        cell=${cells[at]}
        ! _contactd_is_blank "$cell" || continue
        _contactd_squeeze there "$cell"
        _contactd_code there "$there"
        [[ -n $code && $there == "$code" ]] && continue
        unclear="country_unclear: '${names[at]}' is '$cell', and the number, which has no +, would be of ${here:-no region}:"
        unclear+=' write it with + and its country, or use contactd import'
    done
}

# Why the row in `cells` might be of somebody who wants no messages, while nothing of it forbids any: sets `unclear`.
_contactd_ask_row() {
    local at cell key
    unclear=''
    for at in "${!names[@]}"; do
        cell=${cells[at]}
        case ${names[at]} in
            phone)
                [[ ! $cell =~ ^[\ \']*[-#/\;*!%~] ]] || unclear="commented_out: a sign before the number makes a comment of it"
                ;;
            opted_out_at | suppressed_at | invalid_at)
                case ${cell,,} in
                    '#'*! | '#n/a' | '#name?' | nan | undefined) unclear="'$cell' may stand for a date" ;;
                esac
                ;;
            "$asking")
                key=''
                [[ $asking == status ]] || _contactd_squeeze key "$cell"
                ! _contactd_is_blank "$cell" && [[ ! $key =~ ^(0+|no|never|false|f|off|unknown|notset)$ ]] ||
                    unclear="consent_blank: nothing stands under '$asking', which says who wants messages"
                ;;
            label.*)
                [[ -n $cell ]] || continue
                _contactd_squeeze key "${names[at]#label.}"
                case $key in
                    status | consent | optin | optedin | subscribed | sms | smsok | smsconsent | smsoptin | marketing)
                        case ${cell,,} in yes | y | true | t | 1 | on | active | subscribed) continue ;; esac
                        ;;
                    *)
                        _contactd_fact key "$key"
                        [[ -n $key ]] || continue
                        case ${cell,,} in no | n | false | f | 0 | off) continue ;; esac
                        ;;
                esac
                _contactd_is_blank "$cell" || unclear="maybe_optout: '${names[at]}' is '$cell'"
                ;;
        esac
    done
    [[ -n $unclear ]] || _contactd_ask_country
    return 0
}

# Whether the row in `cells` may be the title of the rows below it: it has no number, and words where the phone is, or in one
# cell alone. Sets `title`.
_contactd_is_title() {
    local at cell word filled=0 in_place=''
    title=''
    for at in "${!cells[@]}"; do
        cell=${cells[at]}
        [[ ${cell//[!0-9]/} != ???????* ]] || return 1
        if [[ ${names[at]-} == status ]]; then
            # With a known status it is a row.
            _contactd_squeeze word "$cell"
            [[ $word != @(active|subscribed) ]] || return 1
            _contactd_fact word "$word"
            [[ -z $word ]] || return 1
        fi
        [[ $cell == *[!\ ]* ]] || continue
        ((++filled))
        [[ $cell == *[A-Za-z]* || $cell == *[$'\x80'-$'\xff']* ]] || continue
        [[ ${names[at]-} != phone ]] || in_place=yes
        title=$cell
    done
    [[ -n $title ]] && { [[ -n $in_place ]] || ((filled == 1)); }
}

# Writes a request for each row, and behind it whom it means and what it forbids, as a question that comes back as it is; then
# asks for a sign of the end, which tells from which line on there were no rows.
_contactd_rows() {
    local at name cell json labels row=0 facts forbids title phone more unclear asking=none
    trap '' PIPE
    [[ " ${names[*]} " == *' subscribed_at '* ]] && asking=subscribed_at
    [[ " ${names[*]} " == *' status '* ]] && asking=status
    while _contactd_cells; do
        if _contactd_is_title; then
            begun=$read_lines _contactd_torn "'$title' may be the title of the rows below it"
            break
        fi
        ((++row))
        facts=''
        _contactd_facts
        if ((${#cells[@]} != ${#names[@]})); then
            _contactd_say "row $row: ${#cells[@]} cells under ${#names[@]} headings"
            printf 'PING skipped\n' || return
        elif [[ -z $forbids ]] && _contactd_ask_row && [[ -n $unclear ]]; then
            _contactd_say "row $row: $unclear"
            printf 'PING skipped\n' || return
        else
            json='' labels=''
            for at in "${!names[@]}"; do
                name=${names[at]}
                cell=${cells[at]}
                # An apostrophe keeps spreadsheets from taking a cell for a formula.
                [[ $cell =~ ^\'+[-=+@] ]] && cell=${cell#\'}
                [[ -n $cell ]] || continue
                case $name in
                    # What CHECK said when the file was written says nothing of now.
                    verdict) ;;
                    label.*)
                        _contactd_quote cell "$cell"
                        labels+=",\"${name#label.}\":$cell"
                        ;;
                    *)
                        [[ $name =~ ^(total_[^r]|sends_) && $cell =~ ^[0-9]+$ ]] || _contactd_quote cell "$cell"
                        json+=",\"$name\":$cell"
                        ;;
                esac
            done
            [[ -n $region && $json != *',"region":'* ]] && json+=",\"region\":\"$region\""
            [[ -n $labels ]] && json+=",\"labels\":{${labels#,}}"
            printf 'IMPORT %s {"import_id":"%s"%s}\n' "$list" "$import_id" "$json" || return
        fi
        # shellcheck disable=SC2016 # these are lengths
        printf '*2\r\n$4\r\nECHO\r\n$%s\r\n%s\r\n' "${#facts}" "$facts" || return
    done
    printf 'PING %s\n' "$1${torn:+:$torn}"
}

# Sets `facts` to whom the row in `cells` means and what it forbids, as _contactd_hand_over takes it, without the row; and
# `forbids`, if it forbids anything.
_contactd_facts() {
    local at cell word status='' out='' back='' code=$region
    phone='' more=''
    if ((${#cells[@]} > ${#names[@]})); then
        _contactd_facts_anywhere
        return
    fi
    for at in "${!cells[@]}"; do
        cell=${cells[at]}
        cell=${cell#"${cell%%[! ]*}"} cell=${cell%"${cell##*[! ]}"}
        [[ $cell =~ ^\'+[-=+@] ]] && cell=${cell#\'}
        [[ -n $cell ]] || continue
        case ${names[at]} in
            phone) phone=$cell ;;
            region) code=$cell ;;
            source | reason)
                # Longer than is kept, and perhaps longer than a line may be.
                ((${#cell} > 1000)) && continue
                _contactd_quote word "$cell"
                more+=",\"${names[at]}\":$word"
                ;;
            status)
                _contactd_squeeze word "$cell"
                status=$word
                _contactd_fact word "$word"
                [[ -z $word ]] || facts+=";$word="
                ;;
            subscribed_at) back=$cell ;;
            opted_out_at | suppressed_at | invalid_at)
                _contactd_squeeze word "$cell"
                case $word in
                    null | n | na | nan | nil | none | no | never | false | f | off | 0) continue ;;
                    unknown | undefined | notset | 00000000 | 00000000000000) continue ;;
                esac
                # Letters of any language, or digits.
                [[ $cell == *[![:punct:][:space:]]* ]] || continue
                cell=${cell//[;|=[:cntrl:]]/ }
                case ${names[at]} in
                    opted_out_at) out=$cell word=optout ;;
                    suppressed_at) word=suppress ;;
                    *) word=invalid ;;
                esac
                facts="${facts/";$word="/};$word=$cell"
                ;;
        esac
    done
    local day='^[0-9]{4}-[0-9]{2}-[0-9]{2}'
    if [[ $status == @(active|subscribed) && $out =~ $day && $back =~ $day && ${back:0:10} > ${out:0:10} ]]; then
        # It came back since, which is what such a row says.
        facts=${facts/";optout=$out"/}
    fi
    _contactd_facts_end
}

# Of a row with too many cells, in which nobody knows what stands under which heading: one number, and one cell that is
# an opt-out in a word.
_contactd_facts_anywhere() {
    local cell word compact left right
    [[ " ${names[*]} " == *' status '* ]] || {
        _contactd_facts_end
        return
    }
    for cell in "${cells[@]}"; do
        compact=${cell//[ ().\'-]/}
        if [[ $compact =~ ^\+[1-9][0-9]{6,14}$ ]]; then
            [[ -z $phone || $phone == "$compact" ]] || {
                facts='' phone=''
                _contactd_facts_end
                return
            }
            phone=$compact
        fi
        _contactd_squeeze word "$cell"
        case $word in
            # What means something else in other columns.
            unsub | stopped | cancelled | canceled | revoked | blocked | held) ;;
            bounced | bounce | disconnected | cleaned) ;;
            *)
                _contactd_fact word "$word"
                [[ -z $word || $facts == *";$word="* ]] || facts+=";$word="
                ;;
        esac
    done
    if [[ -z $phone ]]; then
        # Before the comma that is too much, cells stand where they should; so they do behind it, from the end.
        for at in "${!names[@]}"; do [[ ${names[at]} == phone ]] && break; done
        left=${cells[at]} right=${cells[at - ${#names[@]}]}
        [[ ${left//[!0-9]/} == ?????* ]] || left=''
        [[ ${right//[!0-9]/} == ?????* ]] || right=''
        if [[ -n $left && -n $right && $left != "$right" ]]; then
            facts=''
        else
            phone=${left:-$right}
        fi
        [[ -n $phone ]] || facts=''
    fi
    _contactd_facts_end
}

_contactd_facts_end() {
    forbids=$facts
    facts="${code//|/ }|${facts#;}|${phone//[|[:cntrl:]]/ }|$more"
}

# Sets the variable $1 to the letters and digits of $2, in small letters.
_contactd_squeeze() {
    local _text=${2//[!A-Za-z0-9]/}
    printf -v "$1" '%s' "${_text,,}"
}

# Sets the variable $1 to what a status forbids, by its ASCII letters. More words than IMPORT takes, so that the row is
# refused and its opt-out is not lost.
_contactd_fact() {
    local _fact=''
    case $2 in
        optedout | optout | unsubscribed | unsubscribe | unsub | stop | stopped | stopall | cancelled | canceled) ;&
        revoked | optedoutall | donottext | donotcontact | donotsend | donotsendsms | donotsms | donotmessage) ;&
        nosms | notexts | nomarketing | smsunsubscribed | smsunsubscribe | smsoptout | smsoptedout | smsstop) ;&
        unsubscribedsms | unsubscribedfromsms | optedoutofsms | dnc | dnd | abgemeldet | widerrufen) ;&
        desabonne | desabonnee | dsabonn | dsabonne | desinscrit | desinscrite | dsinscrit | dsinscrite) ;&
        desuscrito | dadodebaja | dadadebaja) _fact=optout ;;
        suppressed | suppress | blocked | blocklisted | blacklisted | blacklist | held) _fact=suppress ;;
        invalid | bounced | bounce | hardbounced | undeliverable | disconnected | unallocated | cleaned) _fact=invalid ;;
    esac
    printf -v "$1" '%s' "$_fact"
}

# Sets the variable $1 to the JSON text of $2.
_contactd_quote() {
    local text=${2//\\/\\\\}
    text=${text//\"/\\\"}
    if [[ $text == *[[:cntrl:]]* ]]; then
        text=${text//$'\n'/\\n} text=${text//$'\r'/\\r} text=${text//$'\t'/\\t}
        text=${text//[[:cntrl:]]/}
    fi
    printf -v "$1" '"%s"' "$text"
}

# The contacts of a list as CSV with clean headings, which contactd_import and `contactd import` take back.
contactd_export() {
    local LC_ALL=C IFS=' ' list=${1-} line item cursor='' left keys=() key cell row at
    local -A told
    if [[ ! $list =~ ^\+?[0-9]+$ ]]; then
        _contactd_say 'usage: contactd_export LIST [FILTER…] > contacts.csv'
        return 2
    fi
    shift
    # The daemon tells Mexico's old spelling as the new one.
    [[ $list =~ ^\+521([0-9]{10})$ ]] && list=+52${BASH_REMATCH[1]}
    while [[ $cursor != 0 ]]; do
        # shellcheck disable=SC2086 # no cursor, no words
        _contactd_ask line LABELS LIMIT 1000 ${cursor:+AFTER $cursor} || return
        if [[ $line != '*'* ]]; then
            _contactd_busy=''
            _contactd_show "$line"
            return 2
        fi
        _contactd_line cursor || return
        cursor=${cursor#+}
        for ((left = ${line#?} - 1; left > 0; left--)); do
            _contactd_line item || return
            _contactd_json "$item"
            keys+=("${told[.key]}")
        done
        _contactd_busy=''
    done
    _contactd_ask line EXPORT "(list=$list OR list=$list/opted_out OR list=$list/suppressed)" ${1:+"($*)"} || return
    if [[ $line != '*?' ]]; then
        _contactd_busy=''
        _contactd_show "$line"
        return 2
    fi
    printf '%s' phone,status,verdict,subscribed_at,opted_out_at,suppressed_at,invalid_at,created_at "${keys[@]/#/,label.}"
    printf '\n'
    while _contactd_line item; do
        case $item in
            +*) ;;
            .)
                _contactd_busy=''
                return 0
                ;;
            *)
                _contactd_say "${item#-}"
                _contactd_close
                return 2
                ;;
        esac
        _contactd_json "${item#+}"
        for ((at = 0; ; at++)); do [[ ${told[.lists.$at.list]-$list} == "$list" ]] && break; done
        if [[ -z ${told[.lists.$at.status]-} ]]; then
            # A row without the status would subscribe whoever takes it back.
            _contactd_say "${told[.phone_number]-a contact} is told without its status on $list"
            _contactd_close
            return 2
        fi
        row=${told[.phone_number]},
        if [[ ${told[.status]} == active ]]; then row+=${told[.lists.$at.status]}; else row+=${told[.status]}; fi
        row+=,${told[.lists.$at.verdict]-},${told[.lists.$at.subscribed_at]-},${told[.lists.$at.opted_out_at]-},
        _contactd_standing cell ".lists.$at.suppressed_at" ".lists.$at.released_at"
        [[ -n $cell ]] || _contactd_standing cell .suppressed_at .released_at
        row+=$cell,
        _contactd_standing cell .invalid_at .valid_at
        [[ $cell < ${told[.last_inbound]-} ]] && cell=''
        row+=$cell,${told[.created_at]}
        for key in "${keys[@]}"; do
            cell=${told[.labels.$key]-}
            [[ $cell =~ ^\'*[-=+@] ]] && cell="'$cell"
            [[ $cell == *[,\"$'\r\n']* ]] && cell="\"${cell//\"/\"\"}\""
            row+=,$cell
        done
        printf '%s\n' "$row" || return
    done
    return 2
}

# Sets the variable $1 to the date told[$2] unless told[$3] is newer. Dates in UTC sort as times do.
_contactd_standing() {
    local _set=${told[$2]-} _lifted=${told[$3]-}
    [[ $_set < $_lifted ]] && _set=''
    printf -v "$1" '%s' "$_set"
}

# Puts the values of a JSON text into `told`, by their paths like .lists.0.status.
_contactd_json() {
    local rest=${1#+} text
    told=()
    _contactd_value ''
}

_contactd_value() {
    local path=$1 at=0
    case $rest in
        '{'*)
            rest=${rest#?}
            while [[ -n $rest && $rest != '}'* ]]; do
                _contactd_string
                rest=${rest#:}
                _contactd_value "$path.$text"
                rest=${rest#,}
            done
            rest=${rest#?}
            ;;
        '['*)
            rest=${rest#?}
            while [[ -n $rest && $rest != ']'* ]]; do
                _contactd_value "$path.$((at++))"
                rest=${rest#,}
            done
            rest=${rest#?}
            ;;
        '"'*)
            _contactd_string
            told[$path]=$text
            ;;
        *)
            text=${rest%%[],\}]*}
            rest=${rest:${#text}}
            [[ $text == null ]] || told[$path]=$text
            ;;
    esac
}

# Takes a JSON text from the front of `rest` into `text`.
_contactd_string() {
    local part
    rest=${rest#\"} text=''
    while [[ -n $rest ]]; do
        part=${rest%%[\"\\]*}
        text+=$part
        rest=${rest:${#part}}
        case $rest in
            \"*)
                rest=${rest#?}
                return
                ;;
            \\u*)
                printf -v part '%b' "\\x${rest:4:2}"
                rest=${rest:6}
                ;;
            *)
                printf -v part '%b' "${rest:0:2}"
                [[ $part == \\? ]] && part=${part#?}
                rest=${rest:2}
                ;;
        esac
        text+=$part
    done
}

_contactd_main() {
    case ${1-} in
        '') contactd_pipe ;;
        import) contactd_import "${@:2}" ;;
        export) contactd_export "${@:2}" ;;
        help | -h | --help)
            local line
            while IFS= read -r line && [[ $line == '#'* ]]; do
                [[ $line == '#!'* ]] || printf '%s\n' "${line#'#'}"
            done <"${BASH_SOURCE[0]}"
            ;;
        *) contactd "$@" ;;
    esac
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then _contactd_main "$@"; fi
