#!/bin/sh
# What the operator wants to hear is told: signed, again until it is heard, and nothing waits for it.
. "$(dirname "$0")/lib.sh"
new_repository
text() { printf '{"builders": [{"type": "file", "content": "%s", "target": "out.txt"}]}\n' "$2" > "$1.json"; }
cat > "$T/receiver.py" <<'EOF'
import hashlib, hmac, http.server, json, os, sys
port_file, out, secret = sys.argv[1:4]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if os.path.exists(out + ".refuse"):
            open(out + ".refused", "a").write("x\n"); self.send_response(503); self.end_headers(); return
        good = hmac.compare_digest(self.headers["X-Kiln-Signature-256"], "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest())
        told = json.loads(body)
        assert told["event"] == self.headers["X-Kiln-Event"] and len(self.headers["X-Kiln-Delivery"]) == 32
        open(out, "a").write("%s %s %s %s %s\n" % ("signed" if good else "forged", told["event"], told["repository"], told["image"], told["version"]))
        self.send_response(204); self.end_headers()
    def log_message(self, *arguments): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open(port_file + ".new", "w").write(str(server.server_port)); os.rename(port_file + ".new", port_file)
server.serve_forever()
EOF
python3 "$T/receiver.py" "$T/port" "$T/told" s3cret & background="$background $!"
wait_until yes sh -c "[ -s '$T/port' ] && echo yes"
echo s3cret > "$T/secret"
script "$T/hear" <<EOF
#!/bin/sh
echo "\$KILN_EVENT \$(jq -r '.image + " " + (.text // "")')" >> "$T/heard"
EOF
cat > "$T/service.json" <<EOF
{"repositories": [{"url": "$PWD", "poll": "1h"}], "notify": [
 {"url": "http://127.0.0.1:$(cat "$T/port")/", "secret_file": "$T/secret"},
 {"on": ["failed", "blocked"], "command": ["$T/hear"]}]}
EOF
text a one; commit one
daemon_start "$T/service.json"
becomes 'a version that is live is told, signed' 'signed live images a 1' cat "$T/told"
printf '{"builders": [{"type": "file", "source": "nosuch", "target": "out.txt"}]}\n' > a.json; commit blocked
becomes 'an image that is blocked is told' 'signed blocked images a None' tail -n 1 "$T/told"
wait_until 1 sh -c "grep -c . '$T/heard'"
like 'a command hears it too, with the reason' "$(cat "$T/heard")" 'blocked a *nosuch*'
text a two; commit two
wait_until 4 sh -c "grep -c . '$T/told'"
is 'and that it is not any more' "$(sed 1,2d "$T/told" | sort | tr '\n' ' ')" 'signed live images a 2 signed recovered images a None '
busybox_tar busybox.tar; template b.json busybox.tar b.sh; echo 'false' | script b.sh; commit fails
becomes 'a failure is told' 'signed failed images b None' tail -n 1 "$T/told"
echo 'true' | script b.sh; commit mended
becomes 'and the recovery' 'signed recovered images b 1' tail -n 1 "$T/told"
is 'who wants some events gets those' "$(cut -d' ' -f1,2 "$T/heard" | tr '\n' ' ')" 'blocked a failed b '

touch "$T/told.refuse"
text a three; commit three
becomes 'a receiver that is down keeps nothing waiting' 3 live a
wait_until yes sh -c "[ -s '$T/told.refused' ] && echo yes"
daemon_end -KILL 2> /dev/null; rm "$T/told.refuse"
daemon_start "$T/service.json"
becomes 'and is told later, by the next daemon if need be' 'signed live images a 3' tail -n 1 "$T/told"
wait_until 7 sh -c "grep -c . '$T/told'"; sleep 0.3; daemon_end
is 'then nothing is left to be told' "$(sqlite3 "$KILN_STATE/kiln.db" "SELECT count(*) FROM ledger WHERE kind = 'notify'")" 0
conf() { printf '%s' "$1" > "$T/wrong.json"; run kiln status --config "$T/wrong.json"; }
conf '{"notify": [{"on": ["alive"], "url": "http://x"}]}'; like 'an event that there is not is an error' "$err" '*wrong.json:1:*alive*'
conf '{"notify": [{"on": ["live"]}]}'; like 'so is nobody to tell' "$err" '*wrong.json:1:*url or command*'
done_testing
