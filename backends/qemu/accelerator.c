/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/accelerator.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/qemu/qmp.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/process.h"

enum {
	SECTOR_SIZE = 512,
	EXIT_CODE = (0x2a << 1) | 1, /* how isa-debug-exit gives 0x2a back */
	TRY_USEC = 10 * 1000 * 1000,
	WORDS_MOST = 200,
	NOTE_MOST = 4096,
};

#define NOTE "kvm"

/*
 * A boot sector that goes the way of every kernel: from real mode to protected mode, a return from an interrupt, page tables for the
 * first 2 MiB at 0x10000, long mode, cpuid; then it writes 0x2a to port 0x501. Where KVM only emulates, one of these fails.
 *
 *	cli; ax = ds = ss = 0; sp = 0x7c00; lgdt; cr0 |= 1; ljmp $0x08 (32 bits)
 *	ds = es = ss = 0x10; clear 0x10000 to 0x13000; fill one entry of each table; pushf; push cs, eip; iret
 *	cr4 |= PAE; cr3 = 0x10000; EFER |= LME; cr0 |= PG; ljmp $0x18 (64 bits)
 *	eax = 0; cpuid; dx = 0x501; al = 0x2a; out; hlt
 */
static const char boot_code[] = "\xfa\x31\xc0\x8e\xd8\x8e\xd0\xbc\x00\x7c\x66\x0f\x01\x16\xc0\x7c"
				"\x0f\x20\xc0\x0c\x01\x0f\x22\xc0\x66\xea\x20\x7c\x00\x00\x08\x00"
				"\x66\xb8\x10\x00\x8e\xd8\x8e\xc0\x8e\xd0\xbf\x00\x00\x01\x00\x31"
				"\xc0\xb9\x00\x0c\x00\x00\xf3\xab\xc7\x05\x00\x00\x01\x00\x03\x10"
				"\x01\x00\xc7\x05\x00\x10\x01\x00\x03\x20\x01\x00\xc7\x05\x00\x20"
				"\x01\x00\x83\x00\x00\x00\x9c\x6a\x08\x68\x5f\x7c\x00\x00\xcf\x0f"
				"\x20\xe0\x83\xc8\x20\x0f\x22\xe0\xb8\x00\x00\x01\x00\x0f\x22\xd8"
				"\xb9\x80\x00\x00\xc0\x0f\x32\x0d\x00\x01\x00\x00\x0f\x30\x0f\x20"
				"\xc0\x0d\x00\x00\x00\x80\x0f\x22\xc0\xea\x90\x7c\x00\x00\x18\x00"
				"\x31\xc0\x0f\xa2\x66\xba\x01\x05\xb0\x2a\xee\xf4\xeb\xfd\x66\x90"
				"\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x9a\xcf\x00"
				"\xff\xff\x00\x00\x00\x92\xcf\x00\xff\xff\x00\x00\x00\x9a\xaf\x00"
				"\x1f\x00\xa0\x7c\x00\x00";

static int make_sector(void)
{
	static const unsigned char mark[] = {0x55, 0xaa};
	autoclose int fd = memfd_create("sector", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, SECTOR_SIZE) < 0 ||
		pwrite(fd, boot_code, sizeof(boot_code) - 1, 0) != (ssize_t)sizeof(boot_code) - 1 ||
		pwrite(fd, mark, sizeof(mark), SECTOR_SIZE - sizeof(mark)) != (ssize_t)sizeof(mark))
		return -1;
	return TAKE_FD(fd);
}

static pid_t start_machine(
	const char *program, int sector, int channel, int said, struct error *err)
{
	autofree char *drive =
		memory_printf("file=/proc/%d/fd/%d,format=raw,if=ide", getpid(), sector);
	const char *arguments[] = {program, "-machine", "pc,accel=kvm", "-no-user-config",
		"-nodefaults", "-display", "none", "-m", "64M", "-drive", drive, "-device",
		"isa-debug-exit,iobase=0x501,iosize=2", "-chardev", "socket,id=qmp,fd=3", "-mon",
		"chardev=qmp,mode=control", NULL};
	struct process_options options = PROCESS_OPTIONS;

	options.arguments = arguments;
	options.extra = channel;
	options.output = options.errors = said;
	options.new_session = true;
	return process_start(&options, err);
}

/* Until it ended, or stopped because KVM does not know on, or its time is over. */
static void watch_machine(int channel, const char **why)
{
	struct job nobody = {0};
	struct qmp qmp;
	struct error ignored;

	*why = "it takes too long";
	if (qmp_open(&qmp, channel, &nobody, TRY_USEC, &ignored) < 0)
		return;
	if (qmp_wait_event(&qmp, "STOP", TRY_USEC, NULL, &ignored) > 0)
		*why = "KVM gives up";
	qmp_close(&qmp);
}

/* The first line that says more than a warning. */
static char *first_words(int said)
{
	char buffer[4096] = "";
	ssize_t got = pread(said, buffer, sizeof(buffer) - 1, 0);
	CLEANUP(strings_clear) struct strings lines = {0};

	buffer[got < 0 ? 0 : got] = '\0';
	strings_split(&lines, buffer, '\n');
	strings_each (line, &lines)
		if (*line && !strstr(line, "warning:"))
			return memory_printf(" (%.*s)", WORDS_MOST, line);
	return memory_copy_text("");
}

static bool run_machine(const char *program, char **why)
{
	autoclose int sector = make_sector(), said = memfd_create("said", MFD_CLOEXEC);
	const char *end;
	struct error err;
	int ends[2];

	if (sector < 0 || said < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		*why = memory_printf("no memory to try it");
		return false;
	}
	pid_t pid = start_machine(program, sector, ends[1], said, &err);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		*why = memory_copy_text(err.text);
		return false;
	}
	watch_machine(ends[0], &end);
	/* one that ended well has its code by now, or in a moment */
	siginfo_t info = {0};
	for (int wait = 0; wait < 50 && info.si_pid == 0; wait++) {
		waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
		poll(NULL, 0, 10);
	}
	kill(-pid, SIGKILL);
	if (process_wait(pid) == EXIT_CODE)
		return true;
	autofree char *words = first_words(said);
	*why = memory_printf(
		"a machine does not get as far as a kernel under it: %s%s", end, words);
	return false;
}

static bool try_kvm(const char *program, char **why)
{
	autoclose int device = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (device >= 0)
		return run_machine(program, why);
	*why = memory_printf("/dev/kvm: %s", strerror(errno));
	return false;
}

/* ---- what was found since the boot ---- */

/* "BOOT PROGRAM": what the note must be about. */
static char *subject_of(const char *program)
{
	autofree char *boot = NULL;
	struct error ignored;

	if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 256, &boot, NULL, &ignored) < 0)
		return memory_copy_text("");
	return memory_printf("%.*s %s", (int)strcspn(boot, "\n"), boot, program);
}

static bool read_note(int cache, const char *subject, struct json **note)
{
	autofree char *text = NULL;
	struct error ignored;
	size_t size;

	if (!*subject || file_read(cache, NOTE, NOTE_MOST, &text, &size, &ignored) < 0 ||
		json_parse_bytes(text, size, note, &ignored) < 0)
		return false;
	return strcmp(json_get_text(*note, "subject", ""), subject) == 0;
}

static void write_note(int cache, const char *subject, bool runs, const char *why)
{
	autojson struct json *note = json_new_object();
	struct error ignored;

	json_set_text(note, "subject", subject);
	json_set_bool(note, "runs", runs);
	json_set_text(note, "why", why);
	autofree char *line = json_to_line(note);
	file_replace(cache, NOTE, 0600, line, strlen(line), &ignored);
}

bool accelerator_kvm_runs(const char *state, const char *program, char **why)
{
	autofree char *folder = memory_printf("%s/cache", state ? state : "");
	autofree char *subject = subject_of(program);
	autojson struct json *note = NULL;
	struct error ignored;
	autoclose int cache = state ? folder_make(AT_FDCWD, folder, 0711, &ignored) : -1;

	if (cache >= 0 && read_note(cache, subject, &note)) {
		*why = memory_copy_text(json_get_text(note, "why", ""));
		return json_get_boolean(note, "runs", false);
	}
	bool runs = try_kvm(program, why);
	if (runs)
		*why = memory_copy_text("");
	if (cache >= 0 && !job_is_cancelled())
		write_note(cache, subject, runs, *why);
	return runs;
}

int accelerator_choose(struct job *job, const char *program, const char *asked, const char **name,
	struct error *err)
{
	autofree char *why = NULL;

	*name = "tcg";
	if (strcmp(asked, "none") == 0)
		*name = "none";
	if (strcmp(asked, "tcg") == 0 || strcmp(asked, "none") == 0)
		return 0;
	if (*asked && strcmp(asked, "kvm") != 0)
		return fail(err, ERROR_CATALOG,
			"accelerator: %s does not run on Linux: leave it out, or say kvm or tcg",
			asked);
	bool runs = accelerator_kvm_runs(json_get_text(job->order, "state", NULL), program, &why);
	if (runs) {
		*name = "kvm";
		return 0;
	}
	if (*asked)
		return fail(err, ERROR_CATALOG,
			"accelerator: kvm is asked for, and does not run on this machine: %s (left "
			"out, kiln takes tcg here)",
			why);
	build_log_say(&job->log, "accelerator: tcg, for KVM does not run here: %s", why);
	return 0;
}
