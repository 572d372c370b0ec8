/* SPDX-License-Identifier: Apache-2.0 */
/* What can run here, what is missing for the rest, and how the state folder is. */
#include "reconciler/verbs/verbs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backends/packer/installed.h"
#include "backends/plugin.h"
#include "backends/power.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/process.h"
#include "reconciler/elsewhere.h"
#include "reconciler/worker.h"

enum { PROBE_MOST = 64 * 1024, PROBE_SEC = 60, LOW_SPACE_BYTES = 1024 * 1024 * 1024 };

/* What is not NEEDED only narrows what can be built. */
static void add(struct json *checks, const char *name, bool needed, bool ok, const char *text,
	const char *fix)
{
	struct json *check = json_new_object();

	json_set_text(check, "name", name);
	json_set_bool(check, "needed", needed);
	json_set_bool(check, "ok", ok);
	json_set_text(check, "text", text);
	json_set_text(check, "fix", ok ? NULL : fix);
	json_add(checks, check);
}

/* ---- this machine ---- */

static void check_worker(struct head *head, struct json *checks)
{
	autofree char *program = worker_program();
	const char *arguments[] = {program, "--probe", head->has_state ? head->state : NULL, NULL};
	struct process_options options = PROCESS_OPTIONS;
	CLEANUP(text_clear) struct text said = {0};
	autojson struct json *found = NULL;
	struct error err;

	options.arguments = arguments;
	options.new_session = true;
	int code = process_run(&options, PROBE_SEC, PROBE_MOST, &said, &err);
	if (code < 0 || json_parse_bytes(text_get(&said), said.size, &found, &err) < 0) {
		add(checks, "kiln-build", true, false, code < 0 ? err.text : text_get(&said),
			"install kiln whole: kiln-build lies beside kilnd");
		return;
	}
	for (size_t i = 0; i < json_count(found); i++)
		json_add(checks, json_copy(json_item(found, i)));
}

/* Packer looks for plugins in the folder it is started in, and in its user's: neither may be whoever's. */
static int ask_packer(const char *program, char **version, struct error *err)
{
	const char *arguments[] = {program, "version", NULL};
	const char *environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent",
		"CHECKPOINT_DISABLE=1", "PACKER_NO_COLOR=1", NULL};
	struct process_options options = PROCESS_OPTIONS;
	CLEANUP(text_clear) struct text said = {0};

	options.arguments = arguments;
	options.environment = environment;
	options.folder = "/";
	options.new_session = true;
	if (process_run(&options, PROBE_SEC, PROBE_MOST, &said, err) < 0)
		return -1;
	return packer_version_read(text_get(&said), version, err);
}

static void check_packer(struct head *head, struct json *checks)
{
	autofree char *program = service_packer_program(&head->service.packer);
	autofree char *version = NULL, *text = NULL;
	struct error err;

	if (!program)
		text = memory_copy_text(
			"there is no packer: what kiln has no driver for cannot be built");
	else if (ask_packer(program, &version, &err) < 0)
		text = memory_printf("%s: %s", program, err.text);
	else
		text = memory_printf("%s is version %s", program, version);
	add(checks, "engine packer", false, version != NULL, text,
		"apt-get install packer, or say where another one is (packer.program in "
		"service.json)");
}

/* ---- the state folder ---- */

static void check_permissions(struct head *head, struct json *checks)
{
	struct stat status;
	bool ok = stat(head->state, &status) == 0 && (status.st_mode & 077) == 0 &&
	          status.st_uid == geteuid();
	autofree char *fix = memory_printf("chmod 0700 %s", head->state);

	add(checks, "state folder", true, ok,
		ok ? head->state : "others may read the state folder, which has keys", fix);
}

static void check_space(struct head *head, struct json *checks)
{
	struct statvfs status;

	if (statvfs(head->state, &status) < 0)
		return;
	int64_t left = (int64_t)status.f_bavail * (int64_t)status.f_frsize;
	autofree char *text = memory_printf("%.1f GB are free on its file system", left / 1e9);
	add(checks, "space", true, left >= LOW_SPACE_BYTES, text,
		"kiln gc, a smaller limits.cache_bytes, "
		"or a larger disk");
}

static void check_state(struct head *head, struct json *checks)
{
	struct error err;

	if (!head->has_state) {
		autofree char *text = memory_printf(
			"%s is not there yet: the first kiln apply makes it", head->state);
		add(checks, "state folder", true, true, text, NULL);
		return;
	}
	check_permissions(head, checks);
	check_space(head, checks);
	bool whole = store_check(head->store, &err) == 0;
	add(checks, "store", true, whole, whole ? "kiln.db is whole" : err.text,
		"restore STATE/kiln.db from a backup");
}

static void check_catalogs(struct head *head, struct json *checks)
{
	map_each (entry, &head->service.catalogs) {
		const struct service_catalog *catalog = entry->value;
		autofree char *name = memory_printf("catalog %s", entry->key);
		bool ok = !catalog->path || access(catalog->path, F_OK) < 0 ||
		          access(catalog->path, W_OK) == 0;
		autofree char *text = memory_printf("%s%s", catalog->path ? catalog->path : "",
			ok ? "" : " cannot be written to");
		add(checks, name, true, ok, text, "let kiln's user write there");
	}
}

/* ---- the tables ---- */

static struct json *list_powers(void)
{
	struct json *powers = json_new_list();

	for (enum power power = POWER_NONE + 1; power < POWER_COUNT; power++) {
		struct json *about = json_new_object();
		json_set_text(about, "name", power_name(power));
		json_set_text(about, "help", power_help(power));
		json_add(powers, about);
	}
	return powers;
}

static struct json *list_options(const struct plugin *plugin)
{
	struct json *options = json_new_list();

	plugin_each_option(option, plugin)
	{
		struct json *about = json_new_object();
		json_set_text(about, "name", option->name);
		json_set_text(about, "type", option_type_name(option->type));
		json_set_text(about, "default", option->fallback);
		json_set_text(about, "power", option->power ? power_name(option->power) : NULL);
		json_set_bool(about, "later", option->later);
		json_set_text(about, "help", option->help);
		json_add(options, about);
	}
	return options;
}

static struct json *list_backends(void)
{
	struct json *list = json_new_list();

	for (const struct plugin *const *p = plugins; *p; p++) {
		struct json *about = json_new_object();
		json_set_text(about, "kind", plugin_kind_name((*p)->kind));
		json_set_text(about, "name", (*p)->name);
		json_set_bool(about, "native", (*p)->native);
		json_set(about, "options", list_options(*p));
		json_add(list, about);
	}
	return list;
}

int verb_doctor(struct head *head, struct client *client, struct error *err)
{
	autojson struct json *answer = json_new_object();
	struct json *checks = json_new_list(), *elsewhere = json_new_list();
	bool failed = false;

	json_set(answer, "checks", checks);
	json_set(answer, "elsewhere", elsewhere);
	if (json_get_boolean(client_arguments(client), "backends", false)) {
		json_set(answer, "backends", list_backends());
	} else {
		check_worker(head, checks);
		check_packer(head, checks);
		check_state(head, checks);
		check_catalogs(head, checks);
		if (elsewhere_list(head, elsewhere, err) < 0)
			return -1;
		json_set(answer, "powers", list_powers());
	}
	for (size_t i = 0; i < json_count(checks); i++)
		failed |= json_get_boolean(json_item(checks, i), "needed", false) &&
		          !json_get_boolean(json_item(checks, i), "ok", false);
	client_item(client, TAKE(answer));
	client_end(client, failed ? 1 : 0);
	return 0;
}
