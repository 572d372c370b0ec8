/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/disks.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/child.h"
#include "backends/copy.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

#define SIZE_UNLESS_SAID "40960M"

/* A number alone counts MiB. */
static char *size_of(const char *text)
{
	if (!*text || strcmp(text, "0") == 0)
		return memory_copy_text(SIZE_UNLESS_SAID);
	return text[strspn(text, "0123456789")] ? memory_copy_text(text)
	                                        : memory_printf("%sM", text);
}

static void add_extra(
	const struct qemu_options *options, const char *command, struct strings *arguments)
{
	json_get_texts(options->image_arguments, command, arguments);
}

static bool has_extra(const struct qemu_options *options, const char *command)
{
	return json_count(json_get(options->image_arguments, command)) != 0;
}

static void begin(struct strings *arguments, const char *command)
{
	strings_add(arguments, "qemu-img");
	strings_add(arguments, command);
}

static int run(
	struct job *job, const struct strings *arguments, const char *folder, struct error *err)
{
	autofree char *line = strings_join(arguments, " ");

	build_log_say(&job->log, "%s", line);
	return child_run(job, "qemu-img", arguments, folder, err);
}

static int create(struct job *job, const struct qemu_options *options,
	const struct qemu_media *backing, const struct qemu_disks *disks, const char *path,
	const char *wanted, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};
	autofree char *size = size_of(wanted);

	begin(&arguments, "create");
	strings_add(&arguments, "-f");
	strings_add(&arguments, options->format);
	if (backing) {
		strings_add(&arguments, "-b");
		strings_add(&arguments, backing->source);
		strings_add(&arguments, "-F");
		strings_add(&arguments, backing->format);
	}
	add_extra(options, "create", &arguments);
	strings_add(&arguments, path);
	if (!backing || !options->skip_resize)
		strings_add(&arguments, size);
	return run(job, &arguments, disks->folder, err);
}

static int convert(struct job *job, const struct qemu_options *options, const char *format,
	const char *from, const char *to, const char *folder, bool compress, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};

	begin(&arguments, "convert");
	if (compress)
		strings_add(&arguments, "-c");
	add_extra(options, "convert", &arguments);
	strings_add(&arguments, "-f");
	strings_add(&arguments, format);
	strings_add(&arguments, "-O");
	strings_add(&arguments, options->format);
	strings_add(&arguments, from);
	strings_add(&arguments, to);
	return run(job, &arguments, folder, err);
}

/* The source's bytes where it has the format that is wanted. */
static int copy_source(struct job *job, const struct qemu_options *options,
	const struct qemu_media *media, const struct qemu_disks *disks, struct error *err)
{
	const char *path = disks->paths.items[0];

	if (strcmp(media->format, options->format) != 0 || has_extra(options, "convert"))
		return convert(job, options, media->format, media->source, path, disks->folder,
			false, err);
	autoclose int folder = folder_open(AT_FDCWD, disks->folder, err);
	build_log_say(&job->log, "copying %s to %s", media->source, path);
	return folder < 0 ? -1 : copy_fd(media->source_fd, folder, path, 0644, NULL, NULL, err);
}

static int resize(struct job *job, const struct qemu_options *options,
	const struct qemu_disks *disks, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};
	autofree char *size = size_of(options->disk_size);

	begin(&arguments, "resize");
	strings_add(&arguments, "-f");
	strings_add(&arguments, options->format);
	add_extra(options, "resize", &arguments);
	strings_add(&arguments, disks->paths.items[0]);
	strings_add(&arguments, size);
	return run(job, &arguments, disks->folder, err);
}

bool qemu_disks_may_lie_above(const struct qemu_options *options, const struct qemu_media *media)
{
	return options->disk_image && !options->use_backing_file && media->lasting &&
	       strcmp(options->format, "qcow2") == 0 && !options->skip_compaction &&
	       !has_extra(options, "create") && !has_extra(options, "convert");
}

/* Without a size of its own: where another is wanted, `resize` says whether that can be. */
static int create_above(struct job *job, const char *format, const char *under, const char *path,
	const char *folder, struct error *err)
{
	CLEANUP(strings_clear) struct strings arguments = {0};

	begin(&arguments, "create");
	strings_add(&arguments, "-f");
	strings_add(&arguments, "qcow2");
	strings_add(&arguments, "-b");
	strings_add(&arguments, under);
	strings_add(&arguments, "-F");
	strings_add(&arguments, format);
	strings_add(&arguments, path);
	return run(job, &arguments, folder, err);
}

static int make_main(struct job *job, const struct qemu_options *options,
	const struct qemu_media *media, const char *under, const struct qemu_disks *disks,
	struct error *err)
{
	const char *path = disks->paths.items[0];

	if (!options->disk_image)
		return create(job, options, NULL, disks, path, options->disk_size, err);
	if (options->use_backing_file)
		return create(job, options, media, disks, path, options->disk_size, err);
	if ((under ? create_above(job, media->format, under, path, disks->folder, err)
		   : copy_source(job, options, media, disks, err)) < 0)
		return -1;
	return options->skip_resize ? 0 : resize(job, options, disks, err);
}

void qemu_disks_name(const struct qemu_options *options, const char *folder, const char *output,
	const char *name, struct qemu_disks *disks)
{
	/* what has a colon before its first slash is no path for QEMU */
	const char *here = strchr(output, ':') && output[0] != '/' ? "./" : "";

	*disks = (struct qemu_disks){.folder = folder};
	strings_addf(&disks->paths, "%s%s/%s", here, output, name);
	for (size_t i = 0; i < json_count(options->additional_sizes); i++)
		strings_addf(&disks->paths, "%s%s/%s-%zu", here, output, name, i + 1);
}

int qemu_disks_make(struct job *job, const struct qemu_options *options,
	const struct qemu_media *media, const char *under, const struct qemu_disks *disks,
	struct error *err)
{
	if (make_main(job, options, media, under, disks, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(options->additional_sizes); i++) {
		const char *size = json_text(json_item(options->additional_sizes, i), "");
		if (create(job, options, NULL, disks, disks->paths.items[i + 1], size, err) < 0)
			return -1;
	}
	return 0;
}

/* The new file in place of the old one, which a checkpoint may have under another name. */
static int replace_by(const char *folder_path, const char *new, const char *path, struct error *err)
{
	autoclose int folder = folder_open(AT_FDCWD, folder_path, err);

	if (folder < 0)
		return -1;
	if (renameat(folder, new, folder, path) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", new);
	return 0;
}

int qemu_disks_flatten(struct job *job, const struct qemu_options *options,
	const struct strings *layers, const struct qemu_disks *disks, struct error *err)
{
	bool compress = strcmp(options->format, "qcow2") == 0 && options->compress;

	for (size_t i = 0; i < disks->paths.count; i++) {
		const char *path = disks->paths.items[i];
		autofree char *new = memory_printf("%s.convert", path);
		if (convert(job, options, "qcow2", layers->items[i], new, disks->folder,
			    compress && i == 0, err) < 0 ||
			replace_by(disks->folder, new, path, err) < 0)
			return -1;
	}
	return 0;
}

int qemu_disks_finish(struct job *job, const struct qemu_options *options,
	const struct qemu_media *media, const struct qemu_disks *disks, struct error *err)
{
	bool qcow2 = strcmp(options->format, "qcow2") == 0;
	bool compress = qcow2 && options->compress;
	/* a backing file that goes with the build's folder must not be needed */
	bool flatten = options->use_backing_file && !media->lasting;
	bool skip = !flatten && (options->skip_compaction || !qcow2 || options->use_backing_file);
	const char *path = disks->paths.items[0];
	autofree char *new = memory_printf("%s.convert", path);

	if (skip && !compress)
		return 0;
	if (convert(job, options, options->format, path, new, disks->folder, compress, err) < 0)
		return -1;
	return replace_by(disks->folder, new, path, err);
}

void qemu_disks_clear(struct qemu_disks *disks)
{
	strings_clear(&disks->paths);
}
