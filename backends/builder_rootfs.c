/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rootfs builder: every step runs in a sandbox over the layers before it and leaves a layer of its own, kept under the
 * digest of all that went into it. A rebuild begins at the first step whose layer is not there.
 */
#include "backends/builder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/compress.h"
#include "backends/gate.h"
#include "backends/plugins/all.h"
#include "backends/rootfs/base.h"
#include "backends/rootfs/sandbox.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/path.h"
#include "base/process.h"

#define OUTPUT_FOLDER "output-rootfs"
#define OUTPUT_TAR "rootfs.tar.zst"

struct build {
	struct job *job;
	struct rootfs_options options;
	const struct steps *steps;
	bool network, oci;
	struct layers kept, own; /* own: behind a step whose result must not be kept */
	struct layers *layers;   /* the one in use */
	struct rootfs_base base;
	struct layer *stack; /* above the base, one for each step that has one */
	const struct step **made_by;
	size_t count;
	struct digest key; /* of the top */
	bool reusing;      /* all layers so far were there */
};

/* ---- layers and sandboxes ---- */

/* What the next sandbox stands on, the lowest first. */
static void collect_layers(const struct build *build, struct strings *layers)
{
	if (!build->base.empty)
		strings_add(layers, build->base.layer.mount);
	for (size_t i = 0; i < build->count; i++)
		strings_add(layers, build->stack[i].mount);
}

static struct communicator *open_sandbox(
	struct build *build, enum sandbox_kind kind, bool plain, struct error *err)
{
	CLEANUP(strings_clear) struct strings layers = {0};
	struct sandbox_options options = {
		.kind = kind, .layers = &layers, .network = build->network, .plain = plain};

	collect_layers(build, &layers);
	return sandbox_open(build->job, &options, err);
}

static void push(struct build *build, struct layer layer, const struct step *step)
{
	build->stack[build->count] = layer;
	build->made_by[build->count++] = step;
}

/* ---- steps ---- */

/* A step that failed may be cleaned up after, in the state that it left. */
static void run_cleanup(struct build *build, struct communicator *communicator)
{
	struct error ignored;

	if (build->steps->cleanup)
		step_run(build->job, build->steps->cleanup, communicator, &ignored);
}

/* One attempt, on a fresh upper folder. */
static int attempt_step(struct build *build, const struct step *step, bool last, struct error *err)
{
	if (layers_begin(build->layers, err) < 0)
		return -1;
	struct communicator *communicator = open_sandbox(build, SANDBOX_WRITABLE, false, err);
	if (!communicator)
		return -1;
	int result = step_run(build->job, step, communicator, err);
	if (result < 0 && last && err->kind != ERROR_CONFLICT)
		run_cleanup(build, communicator);
	communicator->ops->close(communicator);
	return result;
}

static int run_layer_step(
	struct build *build, const struct step *step, const struct digest *key, struct error *err)
{
	int64_t start = moment_elapsed_usec();
	struct layer layer;
	int result = -1;

	for (int64_t attempt = 0; attempt <= step->max_retries && result < 0; attempt++) {
		result = attempt_step(build, step, attempt == step->max_retries, err);
		if (result < 0)
			layers_abandon(build->layers);
		if (result < 0 && (err->kind == ERROR_CONFLICT || err->kind == ERROR_RESOURCE))
			return -1;
		if (result < 0 && attempt < step->max_retries)
			build_log_say(&build->job->log, "%s; %lld tries left", err->text,
				(long long)(step->max_retries - attempt));
	}
	if (result < 0)
		return -1;
	if (layers_finish(build->layers, key, &layer, err) < 0) {
		layers_abandon(build->layers);
		return fail_while(err, "%s", step->label);
	}
	push(build, layer, step);
	FAULT("step-done");
	return step_note(build->job, step, "done", moment_elapsed_usec() - start, err);
}

/* Steps that leave the image alone run every time: what they leave beside it is wanted. */
static int run_bare_step(struct build *build, const struct step *step, struct error *err)
{
	struct communicator *communicator = NULL;
	int64_t start = moment_elapsed_usec();
	int result = -1;

	if (!step->provisioner->local) {
		communicator = open_sandbox(build, SANDBOX_READ_ONLY, false, err);
		if (!communicator)
			return -1;
	}
	for (int64_t attempt = 0; attempt <= step->max_retries && result < 0; attempt++)
		result = step_run(build->job, step, communicator, err);
	if (communicator)
		communicator->ops->close(communicator);
	if (result < 0)
		return -1;
	return step_note(build->job, step, "done", moment_elapsed_usec() - start, err);
}

static int reuse_layer(
	struct build *build, const struct step *step, const struct digest *key, struct error *err)
{
	struct layer layer;
	char when[MOMENT_TEXT_SIZE];
	int found =
		layers_find(build->layers, key, step->open ? step->max_age_sec : 0, &layer, err);

	if (found <= 0)
		return found;
	push(build, layer, step);
	build_log_say(&build->job->log, "%s: reused, made %s", step->label,
		moment_text(layer.created_usec, when));
	return step_note(build->job, step, "reused", 0, err) < 0 ? -1 : 1;
}

/* From here on nothing is kept: the step gets a secret, and the definition does not allow it. */
static int stop_keeping(struct build *build, struct error *err)
{
	if (build->layers == &build->own)
		return 0;
	if (layers_open(build->job, false, build->oci ? COMPRESSION_GZIP : COMPRESSION_NONE,
		    &build->own, err) < 0)
		return -1;
	build->layers = &build->own;
	build->reusing = false;
	return 0;
}

static int run_step(struct build *build, const struct step *step, struct error *err)
{

	if (job_check(build->job, err) < 0)
		return -1;
	layer_next_key(&build->key, &step->digest, &build->key);
	if (step_leaves_image(step))
		return run_bare_step(build, step, err);
	if (!step->keep && stop_keeping(build, err) < 0)
		return -1;
	if (build->reusing) {
		int reused = reuse_layer(build, step, &build->key, err);
		if (reused)
			return reused < 0 ? -1 : 0;
		build->reusing = false;
	}
	return run_layer_step(build, step, &build->key, err);
}

/* ---- the artifact ---- */

static char *output_path(const struct build *build)
{
	return *build->job->directory ? memory_printf("%s/" OUTPUT_FOLDER, build->job->directory)
	                              : memory_copy_text(OUTPUT_FOLDER);
}

/* The sandbox writes the tar into a pipe, from a child of ours that asks it; we compress at the other end. */
static pid_t start_packing(
	struct communicator *communicator, int out, int reading, struct error *err)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct error own;
		close(reading); /* or it would never learn that nobody reads any more */
		_exit(sandbox_pack(communicator, out, &own) < 0);
	}
	return pid < 0 ? fail_errno(err, ERROR_RESOURCE, "cannot fork") : pid;
}

static int write_tar(
	struct build *build, int out, struct digest *digest, int64_t *size, struct error *err)
{
	struct communicator *communicator = open_sandbox(build, SANDBOX_READ_ONLY, true, err);
	int ends[2];

	if (!communicator)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		communicator->ops->close(communicator);
		return fail_errno(err, ERROR_RESOURCE, "cannot make a pipe");
	}
	pid_t pid = start_packing(communicator, ends[1], ends[0], err);
	close(ends[1]);
	int result = pid < 0 ? -1
	                     : compress_fd(build->job, ends[0], out, COMPRESSION_ZSTD, 0, NULL,
				       digest, size, err);
	close(ends[0]);
	if (pid > 0 && process_wait(pid) != 0 && result == 0)
		result = fail(err, ERROR_BROKEN, "the root file system cannot be packed");
	communicator->ops->close(communicator);
	return result;
}

static int make_tar(
	struct build *build, const char *folder_path, struct artifact *artifact, struct error *err)
{
	autofree char *path = memory_printf("%s/" OUTPUT_TAR, folder_path);
	autoclose int folder = folder_make_inside(build->job->tree_fd, folder_path, 0755, err);
	struct digest digest;
	int64_t size;

	if (folder < 0)
		return -1;
	autoclose int out =
		openat(folder, OUTPUT_TAR, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (out < 0)
		return fail_errno(err, ERROR_BROKEN, OUTPUT_TAR);
	if (write_tar(build, out, &digest, &size, err) < 0)
		return fail_while(err, OUTPUT_TAR);
	artifact_add(artifact, path, &digest, size);
	return 0;
}

static int make_oci(
	struct build *build, const char *folder_path, struct artifact *artifact, struct error *err)
{
	bool copy = json_get_boolean(build->job->order, "private_blobs", false);
	autofree struct oci_step *steps = memory_new((build->count + 1) * sizeof(*steps));
	size_t count = 0;

	if (!build->base.is_oci && !build->base.empty)
		steps[count++] = (struct oci_step){&build->base.layer, "base"};
	for (size_t i = 0; i < build->count; i++)
		steps[count++] = (struct oci_step){&build->stack[i], build->made_by[i]->label};
	for (size_t i = 0; i < count; i++) {
		struct layer *layer = (struct layer *)(uintptr_t)steps[i].layer;
		if (layers_seal(build->layers, layer, err) < 0)
			return -1;
	}
	return oci_write(build->job, folder_path, build->base.is_oci ? &build->base.oci : NULL,
		steps, count, copy, artifact, err);
}

/* Where the finished layers are, for the checks that come: as long as they are there. */
static int note_trees(struct build *build, struct error *err)
{
	CLEANUP(strings_clear) struct strings layers = {0};
	struct json *details = json_new_object(), *list = json_new_list();

	collect_layers(build, &layers);
	strings_each (layer, &layers)
		json_add_text(list, layer);
	json_set(details, "trees", list);
	return journal_add(&build->job->journal, "layers", details, err);
}

/* ---- the whole ---- */

static int prepare(struct build *build, const struct json *options, struct error *err)
{
	struct job *job = build->job;
	bool keep = json_get_boolean(job->order, "checkpoints", true);
	enum compression compression;

	options_decode(&plugin_builder_rootfs, options, &build->options);
	build->network = strcmp(build->options.network, "host") == 0;
	build->oci = strcmp(build->options.format, "oci") == 0;
	build->stack = memory_new((build->steps->count + 1) * sizeof(*build->stack));
	build->made_by = memory_new((build->steps->count + 1) * sizeof(*build->made_by));
	build->reusing = keep;
	compression = build->oci ? COMPRESSION_GZIP : keep ? COMPRESSION_ZSTD : COMPRESSION_NONE;
	if (layers_open(job, keep, compression, &build->kept, err) < 0)
		return -1;
	build->layers = &build->kept;
	if (!digest_parse(json_get_text(job->order, "root_digest", ""), &build->key))
		return fail(err, ERROR_BROKEN, "the order has no root_digest");
	return rootfs_base_open(
		job, build->layers, &build->options, &build->key, &build->base, err);
}

static int look(struct build *build, struct error *err)
{
	struct error ignored;

	if (build->base.empty && !build->count)
		return 0;
	struct communicator *communicator = open_sandbox(build, SANDBOX_READ_ONLY, false, &ignored);
	int result = gate_look(build->job, communicator, err);
	if (communicator)
		communicator->ops->close(communicator);
	return result;
}

static int build_all(struct build *build, const struct json *options, struct artifact *artifact,
	struct error *err)
{
	if (prepare(build, options, err) < 0)
		return -1;
	for (size_t i = 0; i < build->steps->count; i++)
		if (run_step(build, &build->steps->items[i], err) < 0)
			return -1;
	if (job_check(build->job, err) < 0 || look(build, err) < 0)
		return -1;
	autofree char *folder = output_path(build);
	build_log_say(&build->job->log, "writing %s", build->oci ? "an OCI image" : OUTPUT_TAR);
	if ((build->oci ? make_oci(build, folder, artifact, err)
			: make_tar(build, folder, artifact, err)) < 0)
		return -1;
	return note_trees(build, err);
}

static void clear(struct build *build)
{
	for (size_t i = 0; i < build->count; i++)
		layer_clear(&build->stack[i]);
	free(build->stack);
	free(build->made_by);
	rootfs_base_close(&build->base);
	layers_close(&build->kept);
	layers_close(&build->own);
}

static int build_rootfs(struct job *job, const struct json *options, const struct steps *steps,
	struct artifact **artifact, struct error *err)
{
	struct build build = {.job = job,
		.steps = steps,
		.kept = {.sealed_fd = -1, .trees_fd = -1},
		.own = {.sealed_fd = -1, .trees_fd = -1},
		.base = {.folder = -1, .layer = {.tree = -1}}};
	CLEANUP(artifact_freep)
	struct artifact *made = artifact_new("kiln.rootfs", "rootfs", "root file system");
	struct json *data = json_new_object();
	int result = build_all(&build, options, made, err);

	clear(&build);
	json_set_text(data, "PackerRunUUID", json_get_text(job->order, "run_uuid", ""));
	made->state = json_new_object();
	json_set(made->state, "generated_data", data);
	if (result < 0)
		return -1;
	*artifact = TAKE(made);
	return 0;
}

const struct builder builder_rootfs = {
	.plugin = &plugin_builder_rootfs,
	.build = build_rootfs,
};
