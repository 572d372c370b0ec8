/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders into the image or out of it. Source: Packer 1.6.6 provisioner/file/provisioner.go and rsync's rule: a
 * folder with '/' at its end stands for what is in it.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

struct transfer {
	struct job *job;
	struct communicator *communicator;
	const char *destination;
};

static bool ends_in_slash(const char *path)
{
	return text_ends_with(path, "/");
}

/* The last name of a path, whatever slashes are at its end. */
static char *last_name(const char *path)
{
	autofree char *clean = path_clean(path);

	return memory_copy_text(path_name(clean));
}

static int upload_one(struct transfer *transfer, const char *source, struct error *err)
{
	struct communicator *communicator = transfer->communicator;
	autoclose int fd = job_open_path(transfer->job, source, O_RDONLY | O_NONBLOCK, 0, err);
	autofree char *name = last_name(source);
	autofree char *target = NULL;
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", source);
	build_log_say(&transfer->job->log, "uploading %s to %s", source, transfer->destination);
	if (S_ISDIR(status.st_mode)) {
		target = ends_in_slash(source)
		                 ? memory_copy_text(transfer->destination)
		                 : memory_printf("%s/%s", transfer->destination, name);
		return communicator->ops->upload_folder(communicator, fd, target, err);
	}
	if (!S_ISREG(status.st_mode))
		return fail(err, ERROR_CATALOG, "%s is neither a file nor a folder", source);
	target = ends_in_slash(transfer->destination)
	                 ? memory_printf("%s%s", transfer->destination, name)
	                 : memory_copy_text(transfer->destination);
	return communicator->ops->upload(communicator, fd, status.st_mode & 0777, target, err);
}

static int download_file(struct transfer *transfer, const char *source, struct error *err)
{
	struct communicator *communicator = transfer->communicator;
	autofree char *name = last_name(source);
	autofree char *target = ends_in_slash(transfer->destination)
	                                ? memory_printf("%s%s", transfer->destination, name)
	                                : memory_copy_text(transfer->destination);
	autoclose int fd =
		job_open_path(transfer->job, target, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	mode_t mode = 0644;

	if (fd < 0)
		return -1;
	if (communicator->ops->download(communicator, source, fd, &mode, err) < 0)
		return -1;
	return fchmod(fd, (mode & 0777) | 0600) < 0 ? fail_errno(err, ERROR_BROKEN, "%s", target)
	                                            : 0;
}

static int download_one(struct transfer *transfer, const char *source, struct error *err)
{
	struct communicator *communicator = transfer->communicator;
	autofree char *name = last_name(source);

	build_log_say(&transfer->job->log, "downloading %s to %s", source, transfer->destination);
	if (!communicator->ops->is_folder(communicator, source))
		return download_file(transfer, source, err);
	autofree char *target = ends_in_slash(source)
	                                ? memory_copy_text(transfer->destination)
	                                : memory_printf("%s/%s", transfer->destination, name);
	autofree char *resolved = NULL;
	if (job_resolve(transfer->job, target, &resolved, err) < 0)
		return -1;
	autoclose int folder = folder_make_inside(transfer->job->tree_fd, resolved, 0755, err);
	if (folder < 0)
		return -1;
	return communicator->ops->download_folder(communicator, source, folder, err);
}

static int transfer_one(struct transfer *transfer, const char *raw, bool upload,
	const struct json *data, struct error *err)
{
	CLEANUP(text_clear) struct text source = {0};

	if (job_render(raw, data, &source, err) < 0)
		return fail_while(err, "source");
	return upload ? upload_one(transfer, text_get(&source), err)
	              : download_one(transfer, text_get(&source), err);
}

static int provision(struct job *job, const struct json *options, struct communicator *communicator,
	struct error *err)
{
	struct file_provisioner_options decoded;
	autojson struct json *data = job_data(job);
	CLEANUP(text_clear) struct text destination = {0};

	options_decode(&plugin_provisioner_file, options, &decoded);
	if (job_render(decoded.destination, data, &destination, err) < 0)
		return fail_while(err, "destination");
	struct transfer transfer = {job, communicator, text_get(&destination)};
	bool upload = strcmp(decoded.direction, "upload") == 0;
	for (size_t i = 0; i < json_count(decoded.sources); i++)
		if (transfer_one(&transfer, json_text(json_item(decoded.sources, i), ""), upload,
			    data, err) < 0)
			return -1;
	return *decoded.source ? transfer_one(&transfer, decoded.source, upload, data, err) : 0;
}

static bool only_reads(const struct json *options)
{
	return strcmp(json_get_text(options, "direction", "upload"), "download") == 0;
}

const struct provisioner provisioner_file = {
	.plugin = &plugin_provisioner_file,
	.only_reads = only_reads,
	.provision = provision,
};
