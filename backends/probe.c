/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/catalog.h"
#include "backends/qemu/accelerator.h"
#include "backends/rootfs/sandbox.h"
#include "backends/rootfs/userns.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

#define QEMU "qemu-system-x86_64"

/* What is not NEEDED only narrows what can be built. */
static void add(struct json *list, const char *name, bool needed, bool ok, const char *text,
	const char *fix)
{
	struct json *entry = json_new_object();

	json_set_text(entry, "name", name);
	json_set_bool(entry, "needed", needed);
	json_set_bool(entry, "ok", ok);
	json_set_text(entry, "text", text);
	json_set_text(entry, "fix", ok ? NULL : fix);
	json_add(list, entry);
}

static void probe_ids(struct json *list, const struct idmap *ids)
{
	autofree char *text =
		ids->many ? memory_printf("builds have 65,536 ids, from %u", ids->first_uid)
			  : memory_copy_text("builds have one id: a chown to another owner fails");
	add(list, "ids", false, ids->many, text,
		"apt-get install uidmap, and a range for this user in /etc/subuid and /etc/subgid "
		"(usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER)");
}

/* A sandbox over an empty folder in a temporary place: every namespace and mount that a build needs. */
static int try_sandbox(struct job *job, enum sandbox_kind kind, struct error *err)
{
	struct sandbox_options options = {.kind = kind};
	struct communicator *sandbox = sandbox_open(job, &options, err);

	if (!sandbox)
		return -1;
	sandbox->ops->close(sandbox);
	return 0;
}

static int open_place(struct job *job, char *folder, struct error *err)
{
	*job = (struct job){.folder_fd = -1,
		.work_fd = -1,
		.tree_fd = -1,
		.trees_fd = -1,
		.userns = -1,
		.log = {.fd = -1},
		.journal = {-1},
		.directory = ""};
	idmap_find(2000000000, &job->ids);
	if (!mkdtemp(folder))
		return fail_errno(err, ERROR_BROKEN, "%s", folder);
	chmod(folder, 0711);
	job->folder_fd = folder_open(AT_FDCWD, folder, err);
	if (job->folder_fd < 0)
		return -1;
	job->work_fd = folder_make(job->folder_fd, "work", 0711, err);
	if (job->work_fd < 0)
		return -1;
	job->tree_fd = folder_make(job->work_fd, "tree", 0755, err);
	return job->work_fd < 0 || job->tree_fd < 0 ? -1 : 0;
}

static void probe_sandboxes(struct json *list)
{
	static const struct {
		const char *name, *what;
		enum sandbox_kind kind;
		bool needed;
	} sandboxes[] = {
		{"builder rootfs", "namespaces, overlayfs and /proc can be had", SANDBOX_READ_ONLY,
			true},
		{"shell-local", "a sandbox with this machine's programs can be had", SANDBOX_HOST,
			false},
	};
	char folder[] = "/tmp/kiln-probe-XXXXXX";
	struct error err, ignored;
	struct job job;

	int opened = open_place(&job, folder, &err);
	probe_ids(list, &job.ids);
	for (size_t i = 0; i < sizeof(sandboxes) / sizeof(*sandboxes); i++) {
		int result = opened < 0 ? -1 : try_sandbox(&job, sandboxes[i].kind, &err);
		add(list, sandboxes[i].name, sandboxes[i].needed, result == 0,
			result == 0 ? sandboxes[i].what : err.text,
			"user namespaces must be allowed (sysctl "
			"kernel.unprivileged_userns_clone=1, "
			"user.max_user_namespaces above 0), Linux 5.12 or later, and no container "
			"around "
			"kiln that hides /proc");
	}
	cleanup_close(&job.tree_fd);
	cleanup_close(&job.work_fd);
	cleanup_close(&job.userns);
	cleanup_close(&job.folder_fd);
	folder_remove(AT_FDCWD, folder, &ignored);
}

/* A program's path, looked for as execvp(3) does; NULL if it is not there. The caller frees. */
static char *find_program(const char *name)
{
	CLEANUP(strings_clear) struct strings folders = {0};
	const char *path = getenv("PATH");

	strings_split(&folders, path ? path : "/usr/local/bin:/usr/bin:/bin", ':');
	strings_each (folder, &folders) {
		autofree char *program = memory_printf("%s/%s", folder, name);
		if (access(program, X_OK) == 0)
			return TAKE(program);
	}
	return NULL;
}

static void probe_qemu(struct json *list, const char *state)
{
	autofree char *system = find_program(QEMU), *image = find_program("qemu-img");
	autofree char *why = NULL;

	if (!system || !image) {
		add(list, "builder qemu", false, false,
			system ? "there is no qemu-img: no virtual machine can be built"
			       : "there is no " QEMU ": no virtual machine can be built",
			"apt-get install qemu-system-x86 qemu-utils");
		return;
	}
	add(list, "builder qemu", false, true, system, NULL);
	bool runs = accelerator_kvm_runs(state, QEMU, &why);
	autofree char *text =
		runs ? memory_copy_text("virtual machines run under KVM")
		     : memory_printf(
			       "virtual machines are emulated (tcg), many times slower: %s", why);
	add(list, "kvm", false, runs, text,
		"a processor with virtualization, switched on in the firmware (and passed on by "
		"the "
		"hypervisor, if this is a virtual machine), and /dev/kvm for kiln's user (group "
		"kvm)");
}

int probe_print(const char *state)
{
	autojson struct json *list = json_new_list();
	CLEANUP(text_clear) struct text text = {0};

	probe_sandboxes(list);
	add(list, "builder file", true, true, "needs nothing", NULL);
	add(list, "builder null", true, true, "with communicator none", NULL);
	probe_qemu(list, state);
	json_write(list, JSON_LINE, &text);
	puts(text_get(&text));
	return 0;
}
