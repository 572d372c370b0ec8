# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks measure and print with. Figures are medians; one that misses its limit fails the run."""
import os, shutil, statistics, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KILN = os.path.join(os.environ.get("KILN_BIN", os.path.join(ROOT, "build")), "kiln")
work = tempfile.mkdtemp(prefix="kiln-bench-")
os.environ.update(HOME=work, GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="A", GIT_AUTHOR_EMAIL="a@example.org",
                  GIT_COMMITTER_NAME="A", GIT_COMMITTER_EMAIL="a@example.org", CHECKPOINT_DISABLE="1")
missed = []


def run(command, state=None, **more):
    env = dict(os.environ, **({"KILN_STATE": state} if state else {}))
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, **more)


def measured(command, state=None, cwd=None):
    """Wall seconds, CPU seconds and the largest process's peak memory in MiB of a whole command."""
    env = dict(os.environ, **({"KILN_STATE": state} if state else {}))
    begin = time.monotonic()
    child = subprocess.Popen(command, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - begin
    if status != 0:
        raise SystemExit(f"{' '.join(command)}: status {status}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def pairs(first, second, rounds):
    """Medians of wall times of the two, run in turn."""
    times = ([], [])
    for _ in range(rounds):
        for at, call in enumerate((first, second)):
            times[at].append(measured(*call)[0])
    return statistics.median(times[0]), statistics.median(times[1])


def report(what, value, limit=None, unit=""):
    good = limit is None or value <= limit
    target = "" if limit is None else f"  (at most {limit}{unit}: {'met' if good else 'MISSED'})"
    print(f"{what:<78} {value:8.3f}{unit}{target}", flush=True)
    if not good:
        missed.append(what)


def title(text):
    print(f"\n# {text}", flush=True)


def new_state(name):
    """A state folder whose store knows no image: an empty repository was applied."""
    state = os.path.join(work, "state-" + name)
    empty = os.path.join(work, "empty")
    if not os.path.isdir(empty):
        run(["git", "init", "-q", "-b", "main", empty])
        run(["git", "-C", empty, "commit", "-q", "--allow-empty", "-m", "empty"])
    run([KILN, "apply", empty], state)
    return state


def finish():
    """Cleans up; the exit code."""
    subprocess.run(["chmod", "-R", "u+rwX", work], stderr=subprocess.DEVNULL)
    shutil.rmtree(work, ignore_errors=True)
    print(f"\n{len(missed)} figures missed: " + "; ".join(missed) if missed else "\nall figures met")
    return 1 if missed else 0
