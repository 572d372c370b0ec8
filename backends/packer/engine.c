/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/packer/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/packer/installed.h"
#include "backends/packer/outputs.h"
#include "backends/packer/report.h"
#include "backends/rootfs/sandbox.h"
#include "backends/rootfs/userns.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/path.h"
#include "base/process.h"

enum {
	VERSION_SEC = 60, /* to tell its version */
	GRACE_SEC = 45,   /* to clean up once it is to end: the head waits a minute */
	MOUNTS_SPARE = 8,
};

#define ENGINE "engine" /* in the work folder */
#define VARIABLES "variables.json"

struct engine {
	struct job *job;
	const struct json *about; /* the order's */
	int folder;               /* work/engine */
	char *program;            /* as it is called inside */
	struct sandbox_mount *mounts;
	size_t mount_count;
	struct strings environment;
	struct communicator *sandbox;
	struct packer_report report;
};

/* ---- plugins that nobody asked for ---- */

/* FOLDER is open; of what lies below it only what every version would look for counts. */
static int refuse_plugins(int folder, bool below, struct error *err)
{
	CLEANUP(strings_clear) struct strings names = {0};

	if (folder_list(folder, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		struct stat status;
		if (packer_is_plugin(name, below))
			return fail(err, ERROR_CATALOG,
				"packer would run the file %s of the repository as a plugin: give "
				"it "
				"another name",
				name);
		if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISDIR(status.st_mode))
			continue;
		autoclose int inner =
			openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner < 0)
			return fail_errno(err, ERROR_BROKEN, "%s", name);
		if (refuse_plugins(inner, true, err) < 0)
			return -1;
	}
	return 0;
}

/* The folder that it runs in may be one that only a provisioner would make. */
static int check_folder(struct job *job, struct error *err)
{
	autoclose int folder =
		file_open_beneath(job->tree_fd, job->directory, O_RDONLY | O_DIRECTORY, 0);

	if (folder < 0 && errno == ENOENT)
		folder = folder_make_inside(job->tree_fd, job->directory, 0755, err);
	else if (folder < 0)
		return fail_errno(err, ERROR_CATALOG, "directory: %s", job->directory);
	if (folder < 0 || refuse_plugins(job->tree_fd, true, err) < 0)
		return -1;
	return refuse_plugins(folder, false, err);
}

/* ---- its folder and what it sees ---- */

static int make_folders(struct engine *engine, struct error *err)
{
	struct job *job = engine->job;
	static const char *const names[] = {"home", "cache", "plugins", "tmp"};

	if (userns_remove(job->userns, &job->ids, job->work_fd, ENGINE, err) < 0 ||
		userns_make_folder(&job->ids, job->work_fd, ENGINE, 0755, err) < 0)
		return -1;
	engine->folder = folder_open(job->work_fd, ENGINE, err);
	if (engine->folder < 0)
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (userns_make_folder(&job->ids, engine->folder, names[i],
			    strcmp(names[i], "tmp") == 0 ? 01777 : 0755, err) < 0)
			return -1;
	return 0;
}

/* Values may be secret: they are in no argument, and the file goes as soon as packer has read it. */
static int write_variables(struct engine *engine, struct error *err)
{
	const struct json *variables = json_get(engine->about, "variables");
	const struct idmap *ids = &engine->job->ids;
	CLEANUP(text_clear) struct text text = {0};

	json_write(variables, JSON_LINE, &text);
	autoclose int fd =
		openat(engine->folder, VARIABLES, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(err, ERROR_BROKEN, "the file of variables");
	if (file_write_all(fd, text_get(&text), text.size, err) < 0)
		return -1;
	return userns_give(ids, fd, err);
}

static void remove_variables(struct engine *engine)
{
	unlinkat(engine->folder, VARIABLES, 0);
}

static void add_mount(struct engine *engine, const char *source, char *target, bool writable)
{
	engine->mounts[engine->mount_count++] =
		(struct sandbox_mount){memory_copy_text(source), target, writable};
}

/* PATH at its own place, unless it is seen anyway. */
static void show(struct engine *engine, const char *path, bool writable)
{
	if (writable || !sandbox_shows(path))
		add_mount(engine, path, memory_copy_text(path), writable);
}

static int find_program(struct engine *engine, struct error *err)
{
	const char *path = json_get_text(engine->about, "program", NULL);

	if (!path)
		return fail(err, ERROR_BROKEN,
			"packer is not installed here: apt-get install packer, or say where it is "
			"(packer.program in service.json)");
	autofree char *real = realpath(path, NULL);
	if (!real || access(real, X_OK) < 0)
		return fail_errno(err, ERROR_BROKEN, "packer cannot be run: %s", path);
	if (sandbox_shows(real)) {
		engine->program = TAKE(real);
		return 0;
	}
	engine->program = memory_printf("/run/kiln/bin/%s", path_name(real));
	add_mount(engine, real, memory_copy_text(engine->program), false);
	return 0;
}

static int add_mounts(struct engine *engine, struct error *err)
{
	const struct json *outside = job_order(engine->job, "outside");
	const struct json *share = json_get(engine->about, "share");
	const struct json *bases = job_order(engine->job, "bases");
	const char *own_plugins = json_get_text(engine->about, "plugins", NULL);
	size_t count = json_count(outside) + json_count(share) + json_count(bases) + MOUNTS_SPARE;

	if (count > SANDBOX_MOUNTS_MOST)
		return fail(err, ERROR_CATALOG,
			"the build has %zu files of this machine and bases, and a sandbox at most "
			"%d",
			count, SANDBOX_MOUNTS_MOST);
	engine->mounts = memory_new(count * sizeof(*engine->mounts));
	if (find_program(engine, err) < 0)
		return -1;
	if (own_plugins)
		add_mount(engine, own_plugins, memory_copy_text(PACKER_PLUGINS_FOLDER), false);
	for (size_t i = 0; i < json_count(outside); i++)
		show(engine, json_text(json_item(outside, i), ""), false);
	for (size_t i = 0; i < json_count(share); i++)
		show(engine, json_text(json_item(share, i), ""), true);
	for (size_t i = 0; i < json_count(bases); i++)
		add_mount(engine, json_get_text(json_item(bases, i), "folder", ""),
			memory_printf(PACKER_BASES_FOLDER "/%zu", i), false);
	return 0;
}

/* Nothing of kiln's own environment but what the operator granted, which does not replace ours. */
static void add_environment(struct engine *engine)
{
	static const char *const ours[][2] = {
		{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		{"HOME", SANDBOX_ENGINE_FOLDER "/home"}, {"LANG", "C.UTF-8"}, {"TMPDIR", "/tmp"},
		{"PACKER_CACHE_DIR", SANDBOX_ENGINE_FOLDER "/cache"},
		{"PACKER_CONFIG", SANDBOX_ENGINE_FOLDER "/home/.packerconfig"},
		{"PACKER_CONFIG_DIR", SANDBOX_ENGINE_FOLDER "/home"},
		{"PACKER_PLUGIN_PATH", SANDBOX_ENGINE_FOLDER "/plugins"}, {"PACKER_NO_COLOR", "1"},
		{"CHECKPOINT_DISABLE", "1"}};
	bool own_plugins = json_has(engine->about, "plugins");
	struct json *all = json_new_object();

	json_each_member (member, json_get(engine->about, "environment"))
		json_set_text(all, member.key, json_text(member.value, ""));
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		json_set_text(all, ours[i][0], ours[i][1]);
	if (own_plugins)
		json_set_text(all, "PACKER_PLUGIN_PATH", PACKER_PLUGINS_FOLDER);
	json_each_member (member, all)
		strings_addf(
			&engine->environment, "%s=%s", member.key, json_text(member.value, ""));
	json_free(all);
}

static int open_engine(struct engine *engine, struct error *err)
{
	struct job *job = engine->job;

	if (add_mounts(engine, err) < 0)
		return -1;
	if (job->userns < 0 && (job->userns = userns_new(&job->ids, err)) < 0)
		return -1;
	if (check_folder(job, err) < 0 || userns_give_all(&job->ids, job->tree_fd, err) < 0 ||
		make_folders(engine, err) < 0 || write_variables(engine, err) < 0)
		return -1;
	add_environment(engine);
	struct sandbox_options options = {.kind = SANDBOX_ENGINE,
		.network = true,
		.mounts = engine->mounts,
		.mount_count = engine->mount_count,
		.no_execution = !json_get_boolean(engine->about, "execution", false)};
	engine->sandbox = sandbox_open(job, &options, err);
	return engine->sandbox ? 0 : -1;
}

static void close_engine(struct engine *engine)
{
	if (engine->sandbox)
		engine->sandbox->ops->close(engine->sandbox);
	if (engine->folder >= 0)
		remove_variables(engine);
	cleanup_close(&engine->folder);
	for (size_t i = 0; i < engine->mount_count; i++) {
		free(engine->mounts[i].source);
		free(engine->mounts[i].target);
	}
	free(engine->mounts);
	free(engine->program);
	strings_clear(&engine->environment);
	packer_report_clear(&engine->report);
}

/* ---- running it ---- */

static int keep_text(
	void *context, enum log_stream stream, const char *bytes, size_t size, struct error *err)
{
	struct text *said = context;

	(void)stream;
	(void)err;
	if (said->size < 4096)
		text_add_bytes(said, bytes, size < 4096 ? size : 4096);
	return 0;
}

static int find_version(struct engine *engine, char **version, struct error *err)
{
	const char *const arguments[] = {engine->program, "version", NULL};
	CLEANUP(text_clear) struct text said = {0};
	const struct sandbox_command command = {.arguments = arguments,
		.folder = "/",
		.environment = &engine->environment,
		.said = keep_text,
		.context = &said,
		.deadline_usec = moment_elapsed_usec() + VERSION_SEC * 1000000ll};
	int code;

	if (sandbox_run(engine->sandbox, &command, &code, err) < 0)
		return fail_while(err, "%s version", engine->program);
	if (packer_version_read(text_get(&said), version, err) < 0) {
		err->kind = ERROR_BROKEN;
		return fail_while(
			err, "%s", json_get_text(engine->about, "program", engine->program));
	}
	return 0;
}

/* The build is under way: the variables are read. */
static int take_output(
	void *context, enum log_stream stream, const char *bytes, size_t size, struct error *err)
{
	struct engine *engine = context;
	bool began = engine->report.began;
	int result = packer_report_add(&engine->report, stream, bytes, size, err);

	if (!began && engine->report.began)
		remove_variables(engine);
	return result;
}

/* Whether a provisioner reaches what no closure names: then the failure may pass. */
static bool is_open(const struct engine *engine)
{
	const struct json *list = job_order(engine->job, "provisioners");
	const char *type = json_get_text(engine->job->order, "build_type", "");

	for (size_t i = 0; i < json_count(list); i++)
		if (json_get_boolean(json_item(list, i), "open", false))
			return true;
	return strcmp(type, "file") != 0 && strcmp(type, "null") != 0;
}

static int fail_of(const struct engine *engine, int code, struct error *err)
{
	const struct packer_report *report = &engine->report;
	const char *words = packer_report_failure(report);
	enum error_kind kind = report->began && is_open(engine) ? ERROR_TRANSIENT : ERROR_CATALOG;
	char how[64];

	if (code > 128)
		return fail(err, ERROR_TRANSIENT, "packer was ended from outside: %s%s%s",
			process_describe(code, how), *words ? ": " : "", words);
	if (*words)
		return fail(err, kind, "packer: %.*s", (int)strcspn(words, "\n"), words);
	return fail(
		err, kind, "packer ended with %s and said no error", process_describe(code, how));
}

/* FAILED: *ERR says why already. */
static int end_report(struct engine *engine, int code, bool failed, struct error *err)
{
	struct packer_report *report = &engine->report;
	CLEANUP(strings_clear) struct strings made = {0};
	struct error ignored = {0}, *why = failed ? &ignored : err;

	int result = packer_report_end(report, why);
	packer_report_list_elsewhere(report, &made);
	return packer_traces_end(&report->traces, code, &made, result < 0 ? &ignored : why) < 0
	               ? -1
	               : result;
}

static int run_build(struct engine *engine, struct error *err)
{
	struct job *job = engine->job;
	const char *name = json_get_text(job->order, "packer_build_name", "");
	autofree char *only = memory_printf("-only=%s", name);
	autofree char *on_error =
		memory_printf("-on-error=%s", json_get_text(job->order, "on_error", "cleanup"));
	autofree char *template =
		memory_printf(JOB_REPOSITORY "/%s", json_get_text(engine->about, "template", ""));
	autofree char *folder = path_join(JOB_REPOSITORY, *job->directory ? job->directory : ".");
	const struct json *files = json_get(engine->about, "var_files");
	CLEANUP(strings_clear) struct strings arguments = {0};
	strings_add(&arguments, engine->program);
	strings_add(&arguments, "-machine-readable");
	strings_add(&arguments, "build");
	strings_add(&arguments, "-color=false");
	strings_add(&arguments, on_error);
	if (*name)
		strings_add(&arguments, only);
	for (size_t i = 0; i < json_count(files); i++)
		strings_addf(&arguments, "-var-file=" JOB_REPOSITORY "/%s",
			json_text(json_item(files, i), ""));
	strings_add(&arguments, "-var-file=" SANDBOX_ENGINE_FOLDER "/" VARIABLES);
	strings_add(&arguments, template);
	const struct sandbox_command command = {.arguments = (const char *const *)arguments.items,
		.folder = folder,
		.environment = &engine->environment,
		.said = take_output,
		.context = engine,
		.grace_sec = GRACE_SEC};
	int code = -1;

	if (packer_traces_begin(&engine->report.traces, job, err) < 0)
		return -1;
	int result = sandbox_run(engine->sandbox, &command, &code, err);
	remove_variables(engine);
	if (end_report(engine, code, result < 0, err) < 0 || result < 0)
		return -1;
	return code == 0 && !engine->report.errors.size ? 0 : fail_of(engine, code, err);
}

static int build(struct engine *engine, struct artifacts *kept, char **version, struct error *err)
{
	struct job *job = engine->job;

	if (open_engine(engine, err) < 0 || find_version(engine, version, err) < 0)
		return -1;
	build_log_say(&job->log, "packer %s builds %s", *version,
		json_get_text(engine->about, "template", ""));
	if (run_build(engine, err) < 0)
		return -1;
	/* nothing may change the files while they are read */
	engine->sandbox->ops->close(engine->sandbox);
	engine->sandbox = NULL;
	return packer_outputs_collect(job, &engine->report, kept, err);
}

int packer_build(struct job *job, struct artifacts *kept, char **version, struct error *err)
{
	struct engine engine = {.job = job, .about = job_order(job, "packer"), .folder = -1};

	packer_report_init(&engine.report, job);
	int result = build(&engine, kept, version, err);
	close_engine(&engine);
	return result;
}
