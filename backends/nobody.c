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

static int reset(struct communicator *communicator, struct error *err)
{
	(void)communicator, (void)err;
	return 0;
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
	.reset = reset,
	.close = close_nobody,
};

int nobody_provision(struct job *job, const struct steps *steps, struct error *err)
{
	struct communicator communicator = {.ops = &ops, .job = job};

	return steps_run(job, steps, &communicator, NULL, err);
}
