/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What backends/media/ does, as a program for stories. The job's folder is FOLDER/build, its repository FOLDER/build/work/tree, the state
 * folder KILN_STATE or FOLDER/state; its log goes to FOLDER/build/log. Prints what came of it; an error goes to standard error, as "KIND: TEXT".
 */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/media/download.h"
#include "backends/media/floppy.h"
#include "backends/media/http.h"
#include "backends/media/iso.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"

static int get(struct job *job, char **arguments, struct error *err)
{
	CLEANUP(strings_clear) struct strings urls = {0};
	CLEANUP(downloaded_clear) struct downloaded file = {.fd = -1};
	bool private = strcmp(arguments[0], "get-private") == 0;
	struct download download = {&urls, arguments[1], "iso_checksum", private};
	char text[DIGEST_TEXT_SIZE];

	for (char **url = arguments + 2; *url; url++)
		strings_add(&urls, *url);
	if (download_get(job, &download, &file, err) < 0)
		return -1;
	printf("%s %s %s\n", file.path, digest_text(&file.digest, text),
		file.lasting ? "lasting" : "passing");
	if (getenv("HOLD")) { /* keeps it open until somebody closes our input */
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	return 0;
}

static struct json *list_of(char **texts)
{
	struct json *list = json_new_list();

	for (; *texts; texts++)
		json_add_text(list, *texts);
	return list;
}

/* iso LABEL FILE... */
static int make_iso(struct job *job, char **arguments, struct error *err)
{
	autojson struct json *files = list_of(arguments + 2);
	autofree char *path = NULL;

	if (iso_make(job, files, arguments[1], &path, err) < 0)
		return -1;
	puts(path);
	return 0;
}

/* floppy LABEL FILE... -- FOLDER... */
static int make_floppy(struct job *job, char **arguments, struct error *err)
{
	char **between = arguments + 2;
	autofree char *path = NULL;

	while (*between && strcmp(*between, "--") != 0)
		between++;
	autojson struct json *folders = list_of(*between ? between + 1 : between);
	*between = NULL;
	autojson struct json *files = list_of(arguments + 2);
	if (floppy_make(job, files, folders, arguments[1], &path, err) < 0)
		return -1;
	puts(path);
	return 0;
}

/* http FOLDER ADDRESS MIN MAX: prints pid and port, and ends when its input does */
static int serve(struct job *job, char **arguments, struct error *err)
{
	struct http_settings settings = {arguments[2], atoi(arguments[3]), atoi(arguments[4])};
	struct http_server server;

	autoclose int folder = job_open_path(job, arguments[1], O_RDONLY | O_DIRECTORY, 0, err);
	if (folder < 0 || http_server_start(job, folder, &settings, &server, err) < 0)
		return -1;
	printf("%d %d\n", (int)server.pid, server.port);
	fflush(stdout);
	while (getchar() != EOF)
		;
	http_server_stop(&server);
	return 0;
}

/* http-unseen FOLDER: prints pid and socket, and ends when its input does */
static int serve_unseen(struct job *job, char **arguments, struct error *err)
{
	struct http_server server;
	autofree char *path = NULL;

	autoclose int folder = job_open_path(job, arguments[1], O_RDONLY | O_DIRECTORY, 0, err);
	if (folder < 0 || http_server_start_unseen(job, folder, &server, &path, err) < 0)
		return -1;
	printf("%d %s\n", (int)server.pid, path);
	fflush(stdout);
	while (getchar() != EOF)
		;
	http_server_stop(&server);
	return 0;
}

static const struct {
	const char *name;
	int count; /* arguments at least */
	int (*run)(struct job *job, char **arguments, struct error *err);
} commands[] = {
	{"get", 3, get},
	{"get-private", 3, get},
	{"iso", 2, make_iso},
	{"floppy", 2, make_floppy},
	{"http", 5, serve},
	{"http-unseen", 2, serve_unseen},
};

static int run(struct job *job, int count, char **arguments, struct error *err)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, arguments[0]) == 0 && count >= commands[i].count)
			return commands[i].run(job, arguments, err);
	return fail(err, ERROR_BROKEN, "there is no command %s", arguments[0]);
}

static struct json *make_order(const char *folder)
{
	struct json *order = json_new_object();
	autofree char *build = memory_printf("%s/build", folder);
	autofree char *own = memory_printf("%s/state", folder);
	const char *state = getenv("KILN_STATE") ? getenv("KILN_STATE") : own;
	const char *reserve = getenv("RESERVE"), *timeout = getenv("TIMEOUT_SEC");

	json_set_text(order, "job", "build");
	json_set_text(order, "build", "b1");
	json_set_text(order, "image", "i");
	json_set_text(order, "folder", build);
	json_set_text(order, "state", state);
	json_set_integer(order, "disk_reserve_bytes", reserve ? atoll(reserve) : 0);
	json_set_integer(order, "timeout_sec", timeout ? atoll(timeout) : 0);
	return order;
}

int main(int count, char **arguments)
{
	struct error err;
	struct job job;

	if (count < 3) {
		fprintf(stderr, "usage: %s FOLDER COMMAND...\n", arguments[0]);
		return 2;
	}
	fault_arm();
	setlocale(LC_CTYPE, "C.UTF-8");
	job_catch_signals();
	autofree char *build = memory_printf("%s/build", arguments[1]);
	int made = folder_make(AT_FDCWD, build, 0755, &err);
	int result = made < 0 ? -1 : job_open(&job, make_order(arguments[1]), &err);
	if (result == 0)
		result = run(&job, count - 2, arguments + 2, &err);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", error_kind_name(err.kind), err.text);
	cleanup_close(&made);
	job_close(&job);
	return result < 0;
}
