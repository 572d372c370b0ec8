#!/bin/sh
# Calendar expressions mean what systemd makes of them: generated ones, good and garbled, with what systemd-analyze says of each.
# SEED=N repeats a run; ROUNDS=N makes it longer.
. "$(dirname "$0")/lib.sh"
program=$BIN/tests/test_base_calendar
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
echo "# seed $seed"

cat > "$T/compare.py" <<'END'
import calendar, os, random, re, subprocess, sys, time

program, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
choice, chance, number = random.Random(seed).choice, random.Random(seed + 1).random, random.Random(seed + 2).randint
EACH, ITERATIONS = 10, 3
# hours, half hours, midnights and whole days that are left out or come twice; not the zones where systemd fails on those days:
# where summer time counts backwards (Europe/Dublin, Africa/Casablanca), and where time goes back without it (Asia/Pyongyang)
zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Pacific/Apia', 'Asia/Kolkata',
    'Pacific/Chatham', 'America/Havana', 'America/Santiago', 'Asia/Gaza', 'Africa/Cairo']
# seconds of UTC, each shortly before or within one of those
edges = ['2024-03-30 23:59:59', '2024-03-31 00:30:00', '2024-10-27 00:15:00', '2024-10-27 01:15:00', '2024-03-10 06:40:00',
    '2024-11-03 05:20:00', '2024-11-03 06:20:00', '2024-10-05 15:10:00', '2024-04-06 14:40:00', '2024-04-06 15:10:00',
    '2017-10-15 02:30:00', '2018-02-18 01:30:00', '2011-12-30 09:00:00', '2024-03-10 01:00:00', '2015-08-14 14:50:00',
    '2018-05-04 14:40:00', '2024-04-07 02:30:00', '2024-09-28 13:30:00', '2024-09-08 03:30:00', '2024-02-28 23:00:00',
    '2038-01-19 03:14:07', '2099-12-31 23:59:59', '2199-06-01 00:00:00']
days = ['Mon', 'tue', 'WED', 'Thursday', 'fri', 'Saturday', 'sunday', 'Monday', 'Tuesday', 'wednesday', 'Thu', 'Friday', 'Sat', 'Sun']
words = ['minutely', 'hourly', 'daily', 'Weekly', 'monthly', 'quarterly', 'semiannually', 'semi-annually', 'biannually', 'yearly', 'annually']

def span(low, high, top, fraction):
    """TOP is the first value that is too high (0: that differs). Where a repetition without an end does not divide it, systemd loses
    the first ones of the next day or year ("*:0/14" at 23:57 misses 00:00): those have an end here."""
    tail = ('.%d' % number(0, 9999999)) if fraction and chance() < 0.2 else ''
    first = number(low, high)
    end = step = ''
    if chance() < 0.25:
        end = '..%d' % number(first if chance() < 0.9 else low, high)
    if chance() < 0.3:
        step = number(1, max(1, (high - low) // 3))
        if not end and (tail or not top or (top - first) % step):
            end = '..%d' % high
        step = '/%d' % step + ('.25' if fraction and end and chance() < 0.3 else '')
    return ('%02d' if chance() < 0.5 else '%d') % first + tail + end + step

def some(low, high, top, star=0.3, fraction=False):
    if chance() < star:
        return '*'
    return ','.join(span(low, high, top, fraction) for _ in range(choice([1, 1, 1, 2, 3])))

def expression():
    if chance() < 0.05:
        text = choice(words)
    elif chance() < 0.02:
        text = '@%d' % number(0, 5000000000)
    else:
        parts = []
        if chance() < 0.3:
            parts.append(','.join(choice(days) + ('..' + choice(days) if chance() < 0.3 else '') for _ in range(choice([1, 1, 2]))))
        if chance() < 0.6:
            # of days from the month's end systemd takes 28, but of the second in a list 25, of the third 22: not compared
            year = (some(2000, 2060, 0, 0.7) if chance() < 0.9 else some(0, 99, 0)) + '-' if chance() < 0.7 else ''
            parts.append(year + some(1, 12, 13) + (('~' + some(1, 20, 0)) if chance() < 0.25 else ('-' + some(1, 31, 0))))
        if chance() < 0.7 or not parts:
            hours = some(0, 4, 24) if chance() < 0.6 else some(0, 23, 24)
            seconds = ':' + some(0, 59, 60, 0.2, True) if chance() < 0.3 else ''
            parts.append(hours + ':' + some(0, 59, 60) + seconds)
        text = ' '.join(parts)
    if '~' in text: # of an hour that comes twice systemd takes either there, even one that is over
        text += ' UTC'
    elif chance() < 0.15:
        text += ' ' + choice(zones + ['utc'])
    return text

def garbled(text):
    at = number(0, len(text))
    return choice([text[:at] + text[at + 1:], text[:at] + choice('0123456789*/,.-~: @aM') + text[at:], text[:at], text[at:]])

def moment(text):
    return calendar.timegm(time.strptime(text, '%Y-%m-%d %H:%M:%S'))

def systemd(expressions, zone, base):
    """For each: None, or its normalized form and the seconds of its elapses, 'never' as the last."""
    done = subprocess.run(['systemd-analyze', 'calendar', '--iterations=%d' % ITERATIONS, '--base-time=@%d' % base, '--', *expressions],
        env={**os.environ, 'TZ': zone, 'SYSTEMD_LOG_LEVEL': 'emerg'}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    blocks = [[]]
    for line in done.stdout.split('\n')[:-1]:
        if line:
            blocks[-1].append(line.strip())
        else:
            blocks.append([])
    assert len(blocks) == len(expressions), (blocks, expressions)
    answers = []
    for block in blocks:
        form = [line.split(': ', 1)[1] for line in block if line.startswith('Normalized form')]
        # where the zone is UTC there is no line of its own for it
        elapses = [line for line in block if line.endswith(' UTC') and re.match(r'Next elapse|Iter|\(in UTC', line)]
        times = [moment(' '.join(line.split()[-3:-1])) for line in elapses]
        never = ['never'] if any(line == 'Next elapse: never' for line in block) or len(times) < ITERATIONS else []
        answers.append((form[0], times + never) if form else None)
    return answers

def ours(expressions, zone, base):
    arguments = [argument for text in expressions for argument in (text, zone, str(base), str(ITERATIONS))]
    # another TZ than the zone: it must not matter
    out = subprocess.run([program, *arguments], stdout=subprocess.PIPE, check=True, text=True, env={**os.environ, 'TZ': 'Asia/Tokyo'})
    answers = []
    for line in out.stdout.split('\n')[:-1]:
        form, *times = line.split('\t')
        answers.append(None if form == 'invalid' else (form, [t if t == 'never' else int(t) // 1000000 for t in times]))
    return answers

def gives_up(text, zone, base):
    done = subprocess.run(['systemd-analyze', 'calendar', '--iterations=%d' % ITERATIONS, '--base-time=@%d' % base, '--', text],
        env={**os.environ, 'TZ': zone}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return 'Failed to determine next elapse' in done.stderr

compared = refused = wrong = 0
def compare(expressions, zone, base, parts):
    global compared, refused, wrong
    for text, wanted, got in zip(expressions, systemd(expressions, zone, base), ours(expressions, zone, base)):
        compared, refused = compared + 1, refused + (wanted is None)
        wanted, got = wanted and wanted[:parts], got and got[:parts]
        if wanted != got and not (wanted is None and gives_up(text, zone, base)):
            wrong += 1
            if wrong <= 20:
                print('# TZ=%s systemd-analyze calendar --iterations=%d --base-time=@%d %r' % (zone, ITERATIONS, base, text))
                print('#   systemd: %s\n#   kiln:    %s' % (wanted, got))

for turn in range(rounds):
    zone = choice(zones)
    base = moment(choice(edges)) + number(-7200, 7200) * (chance() < 0.5) if chance() < 0.6 else number(1000000000, 2200000000)
    expressions = [expression() for _ in range(EACH)]
    compare(expressions, zone, base, 2)
    # of these only whether they are taken, and their form: they may be what systemd makes a mistake of (see above), or "@-1"
    compare([text for text in map(garbled, expressions) if text.strip() and not re.search('~|@[^0-9]', text)], zone, base, 1)
print('%d compared, %d of them refused, %d differ' % (compared, refused, wrong))
END

if ! command -v systemd-analyze > /dev/null; then
	skip 'expressions mean what systemd makes of them' 'systemd-analyze is not installed'
elif [ ! -e /usr/share/zoneinfo/Europe/Berlin ]; then
	skip 'expressions mean what systemd makes of them' 'tzdata is not installed'
else
	run python3 "$T/compare.py" "$program" "$seed" "${ROUNDS:-80}"
	printf '%s\n' "$out" | grep '^#'
	like "all generated expressions mean what systemd makes of them (seed $seed)" "$code ${out##*
}" '0 * compared, * refused, 0 differ'
	echo "# ${out##*
}"
fi
done_testing
