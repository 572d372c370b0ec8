# SPDX-License-Identifier: Apache-2.0
"""catalogue.py COUNT FOLDER PER: a repository of COUNT templates with a script each, PER in a folder; the second commit
changes one script. Written by git fast-import, then gc'd."""
import subprocess, sys

count, folder, per = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
subprocess.check_call(["git", "init", "-q", "-b", "main", folder])
stream = subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE)

def say(text):
    stream.stdin.write(text.encode())

def data(text):
    say(f"data {len(text)}\n{text}\n")

def commit(message, second):
    say(f"commit refs/heads/main\ncommitter A <a@example.org> {1700000000 + second} +0000\n")
    data(message)

commit("one", 0)
for i in range(count):
    say(f"M 100644 inline g{i // per:04}/t{i:05}.json\n")
    data('{"builders":[{"type":"rootfs","base":"scratch"}],'
         f'"provisioners":[{{"type":"shell","script":"s{i:05}.sh"}}]}}')
    say(f"M 100755 inline g{i // per:04}/s{i:05}.sh\n")
    data(f"echo {i}\n")
commit("two", 1)
i = count // 2
say(f"M 100755 inline g{i // per:04}/s{i:05}.sh\n")
data("echo changed\n")
stream.stdin.close()
if stream.wait() != 0:
    sys.exit("git fast-import failed")
subprocess.check_call(["git", "-C", folder, "reset", "-q", "--hard"])
subprocess.check_call(["git", "-C", folder, "gc", "-q"])
