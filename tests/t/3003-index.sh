#!/bin/sh
# Planning at the cost of what changed gives the same as planning everything: random commits, each planned by a store that
# followed all of them, by one that knows nothing, and as a range.
. "$(dirname "$0")/lib.sh"
new_repository
seed=${KILN_SEED:-$(date +%s)}
echo "# KILN_SEED=$seed"
cat > "$T/change.py" <<'EOF'
import json, os, random, sys
seed, round = int(sys.argv[1]), int(sys.argv[2])
r = random.Random(seed * 1000 + round)
scripts = [f"{d}s{i}.sh" for d in ("", "a/", "a/b/", "c/") for i in range(3)]
places = ["", "a/", "a/b/", "c/"]
def write(path, text):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    if os.path.isdir(path): return
    if os.path.islink(path): os.unlink(path)
    open(path, "w").write(text)
def template():
    steps = []
    for i in range(r.randint(1, 3)):
        k = r.randint(0, 5)
        if k < 3: steps.append({"type": "shell", "script": r.choice(scripts + ["s0.sh", "b/s1.sh"])})
        elif k == 3: steps.append({"type": "file", "source": r.choice(["a", "a/", "c", "files/"]), "destination": "/x"})
        elif k == 4: steps.append({"type": "shell", "inline": ["echo {{user `v`}}", str(r.randint(0, 3))]})
        else: steps.append({"type": "shell", "scripts": [r.choice(scripts), r.choice(scripts)]})
    builders = [{"type": "null", "communicator": "none", "name": n} for n in r.sample(["one", "two"], r.randint(1, 2))]
    t = {"variables": {"v": r.choice(["1", "2"])}, "builders": builders, "provisioners": steps}
    text = json.dumps(t)
    return r.choice([text] * 17 + [text[:-3], "", "{}"])
for _ in range(r.randint(1, 4)):
    k = r.randint(0, 9)
    if k < 3: write(r.choice(scripts), f"echo {r.randint(0, 5)}\n")
    elif k < 6: write(r.choice(places) + f"t{r.randint(0, 3)}.json", template())
    elif k == 6:
        p = r.choice(scripts + [d + f"t{i}.json" for d in places for i in range(4)])
        if os.path.lexists(p) and not os.path.isdir(p): os.unlink(p)
    elif k == 7: write(f"files/f{r.randint(0, 3)}", str(r.randint(0, 9)))
    elif k == 8:
        p = r.choice(scripts)
        if os.path.exists(p): os.chmod(p, r.choice([0o644, 0o755]))
    elif k == 9 and r.random() < 0.5:
        p = r.choice(scripts + ["a/t1.json", "c", "files/f1", "a/b"])
        if not os.path.isdir(p) or os.path.islink(p):
            if os.path.lexists(p): os.unlink(p)
            os.makedirs(os.path.dirname(p) or ".", exist_ok=True)
            os.symlink(r.choice(["s0.sh", "../s1.sh", "/etc/passwd", "nosuch", "files", "../t0.json", "a/b", "../c"]), p)
    elif k == 9:
        if r.random() < 0.5 or os.path.exists("kiln.json"):
            if os.path.exists("kiln.json"): os.unlink("kiln.json")
        else:
            write("kiln.json", json.dumps({"images": {"x": {"template": "t0.json"}, "y": {"template": "a/t1.json", "inputs": [r.choice(["files", "c/*.sh", "nosuch"])]}},
                "defaults": {"variables": {"v": r.choice(["7", "8"])}}}))
EOF
plan() { kiln plan --json "$@" 2>/dev/null | jq -S 'del(.elapsed_ms)'; }
# what two full plans say of the closures; a range must name exactly those that differ
closures() { jq -c '[.images[] | {name, closure, blocked: (.action == "blocked")}]' "$1"; }
echo nothing > README; commit start
mkdir -p "$KILN_STATE"; chmod 700 "$KILN_STATE"; kiln apply > /dev/null 2>&1
wrong= ranges=
plan > "$T/before"
for round in $(seq "${KILN_ROUNDS:-60}"); do
	python3 "$T/change.py" "$seed" "$round"
	git add -A; git diff --cached --quiet && continue
	git commit -q -m "round $round"
	plan > "$T/warm"
	KILN_STATE=$T/nostate plan > "$T/cold"
	# orphans are known to a store alone
	jq 'del(.images[] | select(.action == "orphaned"))' "$T/warm" > "$T/warm.defined"
	cmp -s "$T/warm.defined" "$T/cold" || wrong="$wrong $round"
	KILN_STATE=$T/nostate plan HEAD~1..HEAD > "$T/range"
	jq -r '.images[].name' "$T/range" | sort > "$T/range.names"
	jq -rn --slurpfile a "$T/before" --slurpfile b "$T/cold" '
		def map_of: [.[0].images[] | {(.name): [.closure, (.action == "blocked")]}] | add // {};
		($a | map_of) as $x | ($b | map_of) as $y | (($x | keys) + ($y | keys)) | unique[] | select($x[.] != $y[.])
			| select($x[.] != [null, true] or $y[.] != null)' | sort > "$T/differ"
	# what stands for a template that cannot be read is no image: it may vanish unmentioned;
	# a blocked image that is blocked for another reason is told of, too: the range may say more of those
	comm -23 "$T/differ" "$T/range.names" | grep -q . && ranges="$ranges $round"
	cp "$T/cold" "$T/before"
done
is 'a store that followed every commit plans as one that knows nothing' "$wrong" ''
is 'and a range names every image whose closure differs' "$ranges" ''
is 'there were images to plan' "$(jq '.images | length > 0' "$T/cold")" true

# what random commits seldom do: a folder that becomes a link, and one that was only looked at
cd "$T" && new_repository "$T/folders" && busybox_tar busybox.tar
KILN_STATE=$T/state.folders; export KILN_STATE
mkdir -p t/dir dir other t/d d
echo x > t/dir/foo; echo x > t/d/file; echo y > d/file; printf 'true\n' > s.sh
printf 'echo good > /etc/v\n' > dir/s.sh; printf 'echo other > /etc/v\n' > other/s.sh
template t/y.json '{{template_dir}}/../busybox.tar' dir/s.sh
printf '{"builders": [{"type": "rootfs", "base": "{{template_dir}}/../busybox.tar"}], "provisioners": [{"type": "file", "source": "d", "destination": "/"}, {"type": "shell", "script": "s.sh"}]}' > t/x.json
commit one; kiln apply > /dev/null 2>&1
git rm -rq t/dir; ln -s ../other t/dir; commit link
expect_action t-y rebuild 'a folder that becomes a link is noticed'
git rm -rq t/d; commit gone
closure() { kiln plan --json 2>/dev/null | jq -r '.images[] | select(.name == "t-x") | .closure'; }
is 'a folder that was only looked at is missed when it goes' "$(closure)" "$(KILN_STATE=$T/nostate closure)"
is 'which a range tells, too' "$(kiln plan --json HEAD~1..HEAD 2>/dev/null | jq -r '[.images[].name] | join(" ")')" t-x
done_testing
