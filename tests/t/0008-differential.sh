#!/bin/sh
# Templates, layouts and options as random as they come mean to kiln what they mean to the real packer (make fuzz-differential: longer).
. "$(dirname "$0")/lib.sh"
if ! command -v packer > /dev/null; then
	skip 'kiln against packer' 'packer is not installed'
	done_testing
fi
make -s -C "$ROOT" build/tests/render > "$T/make" 2>&1 || fail 'the helper is built' "$(cat "$T/make")"
for seed in 1 2; do
	run env TMPDIR="$T" "$ROOT/tests/fuzz/differential" $seed 4
	if [ "$code" = 0 ]; then pass "seed $seed: no disagreement"; else fail "seed $seed: no disagreement" "$out" "$err"; fi
	like 'of thousands of questions' "$out" '*4560 questions, 0 disagreements*'
done

# it can fail: a kiln that renders one thing otherwise is found, and the text made small
cat > "$T/render" <<END
#!/bin/sh
exec "$ROOT/build/tests/render" | sed 's/true/wahr/'
END
chmod +x "$T/render"
run env TMPDIR="$T" KILN_RENDER="$T/render" "$ROOT/tests/fuzz/differential" 1 1
is 'one that is wrong is found' "$code" 1
like 'with both answers' "$out" '*kiln: *wahr*packer: *true*'
done_testing
