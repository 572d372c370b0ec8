/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Vagrant box of the artifact. Source: Packer 1.6.6 post-processor/vagrant. metadata.json is the first in the box, so that a
 * catalog reads it without reading the disks; all times are the build's epoch.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/builder.h"
#include "backends/pack.h"
#include "backends/plugins/all.h"
#include "backends/plugins/native.h"
#include "backends/post.h"
#include "backends/vagrant_provider.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum { VAGRANTFILE_SIZE_MOST = 16 * 1024 * 1024 };

/* The options for one provider: `override` has some of its own. The caller frees. */
static struct json *options_for(const struct json *options, const char *provider)
{
	struct json *mine = json_copy(options);
	const struct json *own = json_get(json_get(options, "override"), provider);

	json_each_member (member, own) {
		const struct plugin_option *option =
			plugin_find_option(&plugin_post_processor_vagrant, member.key);
		if (option)
			json_set(mine, option->name, json_copy(member.value));
	}
	return mine;
}

static const struct vagrant_provider *choose_provider(
	const char *override, const struct artifact *input, struct error *err)
{
	const struct vagrant_provider *provider = *override
	                                                  ? vagrant_provider_find(override)
	                                                  : vagrant_provider_of(input->builder_id);

	if (!provider && *override)
		error_set(err, ERROR_CATALOG, "kiln builds no boxes for the provider %s", override);
	else if (!provider)
		error_set(err, ERROR_CATALOG,
			"which provider is the box for? Artifacts of %s do not say: set "
			"provider_override (libvirt, virtualbox, vmware, lxc, docker)",
			input->builder_id);
	return provider;
}

static int add_includes(struct box *box, const struct json *include, struct error *err)
{
	for (size_t i = 0; i < json_count(include); i++) {
		const char *path = json_text(json_item(include, i), "");
		autofree char *resolved = NULL;
		if (job_resolve(box->job, path, &resolved, err) < 0)
			return fail_while(err, "include");
		if (resolved[0] == '/')
			return fail(err, ERROR_CATALOG,
				"include: %s lies outside of the build's own folder", path);
		box_add(box, path_name(resolved), resolved);
	}
	return 0;
}

/* Only what it uses of Packer's: the provider's part, then the template's own. */
static int write_vagrantfile(struct box *box, const struct vagrant_options *options,
	const struct json *data, struct text *out, struct error *err)
{
	CLEANUP(text_clear) struct text custom = {0};

	if (*options->vagrantfile_template) {
		autoclose int fd =
			job_open_path(box->job, options->vagrantfile_template, O_RDONLY, 0, err);
		if (fd < 0 || file_read_fd(fd, VAGRANTFILE_SIZE_MOST, &custom, err) < 0)
			return fail_while(err, "vagrantfile_template");
	}
	if (box->vagrantfile.size)
		text_addf(out, "# For the provider of the box.\n%s\n", text_get(&box->vagrantfile));
	if (!custom.size)
		return 0;
	text_addf(out, "# From %s.\n", path_name(options->vagrantfile_template));
	return job_render(text_get(&custom), data, out, err) < 0
	               ? fail_while(err, "%s", options->vagrantfile_template)
	               : 0;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct box_file *)a)->name, ((const struct box_file *)b)->name);
}

static int pack_file(
	struct box *box, struct pack *pack, const struct box_file *file, struct error *err)
{
	const struct artifact_file about = {.path = file->path};
	struct stat status;
	autoclose int fd = artifact_open(box->job, &about, &status, err);

	if (fd < 0)
		return -1;
	status.st_mode = S_IFREG | 0644;
	return pack_add(pack, box->job, file->name, fd, &status, box->job->epoch, err);
}

/* metadata.json and Vagrantfile are ours, but that an included metadata.json stands. */
static int pack_box(struct box *box, struct compressor *compressor, const struct text *vagrantfile,
	struct error *err)
{
	CLEANUP(text_clear) struct text metadata = {0};
	CLEANUP(pack_freep) struct pack *pack = pack_open(compressor, PACK_TAR, err);
	const struct box_file *included = NULL;

	if (!pack)
		return -1;
	qsort(box->files, box->count, sizeof(*box->files), compare_files);
	for (size_t i = 0; i < box->count; i++)
		if (strcmp(box->files[i].name, "metadata.json") == 0)
			included = &box->files[i];
	json_write(box->metadata, JSON_LINE, &metadata);
	text_add_char(&metadata, '\n');
	if ((included ? pack_file(box, pack, included, err)
		      : pack_add_bytes(pack, "metadata.json", metadata.data, metadata.size,
				box->job->epoch, err)) < 0 ||
		pack_add_bytes(pack, "Vagrantfile", text_get(vagrantfile), vagrantfile->size,
			box->job->epoch, err) < 0)
		return -1;
	for (size_t i = 0; i < box->count; i++) {
		const struct box_file *file = &box->files[i];
		if (file == included || strcmp(file->name, "Vagrantfile") == 0)
			continue;
		if (pack_file(box, pack, file, err) < 0)
			return -1;
	}
	return pack_close(TAKE(pack), err);
}

/* Level 0 is a plain tar, no level the usual one. */
static int write_box(struct box *box, int out, const struct json *options,
	const struct text *vagrantfile, struct digest *digest, int64_t *size, struct error *err)
{
	int64_t level = json_get_integer(options, "compression_level", -1);
	CLEANUP(compressor_freep)
	struct compressor *compressor = compressor_open(out,
		level == 0 ? COMPRESSION_NONE : COMPRESSION_GZIP, level < 0 ? 0 : (int)level, err);

	if (!compressor || pack_box(box, compressor, vagrantfile, err) < 0)
		return -1;
	return compressor_close(TAKE(compressor), digest, size, err);
}

static struct json *describe(const struct job *job, const struct artifact *input,
	const struct vagrant_provider *provider)
{
	struct json *data = post_data(job, input);

	json_set_text(data, "ArtifactId", input->id);
	json_set_text(data, "Provider", provider->name);
	return data;
}

static int make_box(struct box *box, const struct vagrant_provider *provider,
	const struct json *json, const struct artifact *input, struct artifact **made,
	struct error *err)
{
	struct vagrant_options options;
	autojson struct json *data = describe(box->job, input, provider);
	CLEANUP(text_clear) struct text output = {0}, vagrantfile = {0};
	autofree char *path = NULL;
	struct digest digest;
	struct error ignored;
	int64_t size;

	options_decode(&plugin_post_processor_vagrant, json, &options);
	if (add_includes(box, options.include, err) < 0 || provider->collect(box, input, err) < 0 ||
		write_vagrantfile(box, &options, data, &vagrantfile, err) < 0)
		return -1;
	if (job_render(options.output, data, &output, err) < 0)
		return fail_while(err, "output");
	autoclose int out = post_create(box->job, input, text_get(&output), &path, err);
	if (out < 0)
		return -1;
	if (write_box(box, out, json, &vagrantfile, &digest, &size, err) < 0) {
		job_remove_path(box->job, path, &ignored);
		return fail_while(err, "%s", text_get(&output));
	}
	autofree char *text =
		memory_printf("'%s' provider box: %s", provider->name, text_get(&output));
	*made = artifact_new("mitchellh.post-processor.vagrant", provider->name, text);
	artifact_add(*made, path, &digest, size);
	artifact_show(*made, text_get(&output));
	return 0;
}

static int process(struct job *job, const struct json *json, const struct artifact *input,
	struct post_result *result, struct error *err)
{
	const struct vagrant_provider *provider =
		choose_provider(json_get_text(json, "provider_override", ""), input, err);
	CLEANUP(box_clear) struct box box = {.job = job};

	if (!provider)
		return -1;
	autojson struct json *options = options_for(json, provider->name);
	if (make_box(&box, provider, options, input, &result->artifact, err) < 0)
		return fail_while(err, "box for %s", provider->name);
	result->force = true;
	return 0;
}

const struct post_processor post_processor_vagrant = {
	.plugin = &plugin_post_processor_vagrant,
	.process = process,
};
