/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/nobody.h"

static int run(struct communicator *communicator, const char *command, int *code, struct error *err)
{
	(void)communicator, (void)command, (void)err;
	*code = 0;
	return 0;
}

static int upload(struct communicator *communicator, int fd, mode_t mode, const char *destination,
	struct error *err)
{
	(void)communicator, (void)fd, (void)mode, (void)destination, (void)err;
	return 0;
}

static int upload_folder(
	struct communicator *communicator, int folder, const char *destination, struct error *err)
{
	(void)communicator, (void)folder, (void)destination, (void)err;
	return 0;
}

static int download(struct communicator *communicator, const char *source, int fd, mode_t *mode,
	struct error *err)
{
	(void)communicator, (void)fd, (void)mode;
	return fail(err, ERROR_CATALOG, "%s: there is no machine to download from", source);
}

static int download_folder(
	struct communicator *communicator, const char *source, int folder, struct error *err)
{
	(void)communicator, (void)folder;
	return fail(err, ERROR_CATALOG, "%s: there is no machine to download from", source);
}

static bool is_folder(struct communicator *communicator, const char *source)
{
	(void)communicator, (void)source;
	return false;
}

static void close_nobody(struct communicator *communicator)
{
	(void)communicator;
}

static const struct communicator_ops ops = {
	.name = "none",
	.run = run,
	.upload = upload,
	.upload_folder = upload_folder,
	.download = download,
	.download_folder = download_folder,
	.is_folder = is_folder,
	.close = close_nobody,
};

static int run_step(struct job *job, const struct step *step, struct communicator *communicator,
	struct error *err)
{
	int result = -1;

	for (int64_t attempt = 0; attempt <= step->max_retries && result < 0; attempt++) {
		result = step_run(job, step, communicator, err);
		if (result < 0 && err->kind == ERROR_CONFLICT)
			return -1;
		if (result < 0 && attempt < step->max_retries)
			build_log_say(&job->log, "%s; %lld tries left", err->text,
				(long long)(step->max_retries - attempt));
	}
	return result;
}

int nobody_provision(struct job *job, const struct steps *steps, struct error *err)
{
	struct communicator communicator = {.ops = &ops, .job = job};
	struct error ignored;

	for (size_t i = 0; i < steps->count; i++) {
		if (job_check(job, err) < 0)
			return -1;
		if (run_step(job, &steps->items[i], &communicator, err) == 0)
			continue;
		if (steps->cleanup && err->kind != ERROR_CONFLICT)
			step_run(job, steps->cleanup, &communicator, &ignored);
		return -1;
	}
	return 0;
}
