/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/rootfs/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "backends/copy.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"

enum { DOCUMENT_MOST = 4 * 1024 * 1024, NESTED_MOST = 4 };

#define TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define TYPE_LAYER "application/vnd.oci.image.layer.v1.tar+gzip"
#define TYPE_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"

/* How Go, and so the specification, calls this machine. */
static const char *architecture(void)
{
	static const char *const names[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"},
		{"armv7l", "arm"}, {"i686", "386"}, {"ppc64le", "ppc64le"}, {"s390x", "s390x"},
		{"riscv64", "riscv64"}};
	static struct utsname system;

	uname(&system);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i][0], system.machine) == 0)
			return names[i][1];
	return system.machine;
}

/* ---- reading ---- */

static char *blob_path(const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE];

	return memory_printf("blobs/sha256/%s", digest_hex(digest, hex));
}

/* A layout can come out of a repository: a link in it could lead to what is not its author's. */
static int open_file(int folder, const char *path, struct error *err)
{
	int fd = file_open_beneath(folder, path, O_RDONLY | O_NOFOLLOW, 0);

	return fd < 0 ? fail_errno(err, ERROR_CATALOG, "%s", path) : fd;
}

static int read_bytes(int folder, const char *path, struct text *bytes, struct error *err)
{
	autoclose int fd = open_file(folder, path, err);

	if (fd < 0)
		return -1;
	return file_read_fd(fd, DOCUMENT_MOST, bytes, err) < 0 ? fail_while(err, "%s", path) : 0;
}

static int read_document(int folder, const char *path, struct json **document, struct error *err)
{
	CLEANUP(text_clear) struct text bytes = {0};

	if (read_bytes(folder, path, &bytes, err) < 0)
		return -1;
	struct json_source source = {path, text_get(&bytes), bytes.size};
	return json_parse(&source, JSON_STRICT, document, err);
}

/* The document that DESCRIPTOR names, checked against its digest. */
static int read_blob(
	int folder, const struct json *descriptor, struct json **document, struct error *err)
{
	const char *named = json_get_text(descriptor, "digest", "");
	struct digest wanted, found;
	CLEANUP(text_clear) struct text bytes = {0};

	if (!digest_parse(named, &wanted))
		return fail(err, ERROR_CATALOG, "the digest '%s' is none that kiln knows", named);
	autofree char *path = blob_path(&wanted);
	if (read_bytes(folder, path, &bytes, err) < 0)
		return -1;
	digest_of(text_get(&bytes), bytes.size, &found);
	if (!digest_equal(&wanted, &found))
		return fail(err, ERROR_CATALOG, "%s does not have the content that its name says",
			path);
	struct json_source source = {path, text_get(&bytes), bytes.size};
	return json_parse(&source, JSON_STRICT, document, err);
}

/* Of an index's manifests the one for Linux on this machine; the only one, whatever it says. */
static const struct json *choose_manifest(const struct json *index)
{
	const struct json *manifests = json_get(index, "manifests");

	if (json_count(manifests) == 1)
		return json_item(manifests, 0);
	for (size_t i = 0; i < json_count(manifests); i++) {
		const struct json *platform = json_get(json_item(manifests, i), "platform");
		if (strcmp(json_get_text(platform, "os", "linux"), "linux") == 0 &&
			strcmp(json_get_text(platform, "architecture", ""), architecture()) == 0)
			return json_item(manifests, i);
	}
	return NULL;
}

static int read_manifest(int folder, struct json **manifest, struct error *err)
{
	autojson struct json *document = NULL;

	if (read_document(folder, "index.json", &document, err) < 0)
		return -1;
	for (int depth = 0; depth < NESTED_MOST; depth++) {
		struct json *next = NULL;
		const struct json *descriptor = choose_manifest(document);
		if (!descriptor)
			return fail(err, ERROR_CATALOG,
				"it has no image for linux/%s, or more than one", architecture());
		const char *type = json_get_text(descriptor, "mediaType", TYPE_MANIFEST);
		bool list = strcmp(type, TYPE_INDEX) == 0 || strcmp(type, TYPE_DOCKER_LIST) == 0;
		if (read_blob(folder, descriptor, &next, err) < 0)
			return -1;
		json_free(document);
		document = next;
		if (!list) {
			*manifest = TAKE(document);
			return 0;
		}
	}
	return fail(err, ERROR_CATALOG, "its indexes are nested too deep");
}

bool oci_is_layout(int folder)
{
	return file_exists(folder, "oci-layout") && file_exists(folder, "index.json");
}

static int read_layers(const struct json *manifest, struct oci_image *image, struct error *err)
{
	const struct json *layers = json_get(manifest, "layers");
	const struct json *plain = json_get(json_get(image->config, "rootfs"), "diff_ids");

	if (json_count(layers) != json_count(plain))
		return fail(err, ERROR_CATALOG, "it has %zu layers and %zu diff ids",
			json_count(layers), json_count(plain));
	image->layers = memory_new(json_count(layers) * sizeof(*image->layers));
	for (size_t i = 0; i < json_count(layers); i++) {
		const struct json *from = json_item(layers, i);
		struct oci_layer *layer = &image->layers[i];
		if (!digest_parse(json_get_text(from, "digest", ""), &layer->digest))
			return fail(err, ERROR_CATALOG, "layer %zu has no digest that kiln knows",
				i + 1);
		layer->media_type = memory_copy_text(json_get_text(from, "mediaType", TYPE_LAYER));
		layer->plain = memory_copy_text(json_text(json_item(plain, i), ""));
		layer->size = json_get_integer(from, "size", 0);
		image->count++;
	}
	return 0;
}

int oci_read(int folder, struct oci_image *image, struct error *err)
{
	autojson struct json *manifest = NULL;

	*image = (struct oci_image){.folder = folder};
	if (!oci_is_layout(folder))
		return fail(err, ERROR_CATALOG,
			"it is no OCI layout: oci-layout and index.json are not both there");
	if (read_manifest(folder, &manifest, err) < 0 ||
		read_blob(folder, json_get(manifest, "config"), &image->config, err) < 0 ||
		read_layers(manifest, image, err) < 0) {
		oci_image_clear(image);
		return fail_while(err, "the OCI image");
	}
	return 0;
}

void oci_image_clear(struct oci_image *image)
{
	for (size_t i = 0; i < image->count; i++) {
		free(image->layers[i].media_type);
		free(image->layers[i].plain);
	}
	free(image->layers);
	json_free(image->config);
	*image = (struct oci_image){.folder = -1};
}

int oci_open_layer(const struct oci_image *image, size_t index, struct error *err)
{
	const struct oci_layer *layer = &image->layers[index];
	autofree char *path = blob_path(&layer->digest);
	autoclose int fd = open_file(image->folder, path, err);
	struct digest found;

	if (fd < 0)
		return -1;
	if (digest_of_fd(fd, &found, err) < 0)
		return fail_while(err, "%s", path);
	if (!digest_equal(&found, &layer->digest))
		return fail(err, ERROR_CATALOG, "%s does not have the content that its name says",
			path);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail_errno(err, ERROR_BROKEN, "%s", path);
	return TAKE_FD(fd);
}

/* ---- writing ---- */

struct writer {
	struct job *job;
	const char *path; /* of the layout, below tree/ */
	int folder;
	bool copy;
	struct artifact *artifact;
	struct error *err;
};

static void note_file(
	struct writer *writer, const char *name, const struct digest *digest, int64_t size)
{
	autofree char *path = memory_printf("%s/%s", writer->path, name);

	if (!artifact_has(writer->artifact, path))
		artifact_add(writer->artifact, path, digest, size);
}

static int write_document(struct writer *writer, const char *name, const struct json *document,
	struct digest *digest, int64_t *size)
{
	CLEANUP(text_clear) struct text text = {0};
	autofree char *path = NULL;

	json_write(document, JSON_LINE, &text);
	digest_of(text.data, text.size, digest);
	*size = text.size;
	path = name ? memory_copy_text(name) : blob_path(digest);
	if (file_exists(writer->folder, path))
		return 0;
	autoclose int fd =
		openat(writer->folder, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail_errno(writer->err, ERROR_BROKEN, "%s", path);
	if (file_write_all(fd, text.data, text.size, writer->err) < 0)
		return fail_while(writer->err, "%s", path);
	note_file(writer, path, digest, text.size);
	return 0;
}

/* The blob of DIGEST out of another folder. */
static int add_blob(struct writer *writer, int from, const char *name, const struct digest *digest,
	int64_t size)
{
	autofree char *path = blob_path(digest);

	if (!file_exists(writer->folder, path) &&
		(writer->copy || linkat(from, name, writer->folder, path, 0) < 0) &&
		copy_file(from, name, writer->folder, path, 0644, NULL, NULL, writer->err) < 0)
		return -1;
	note_file(writer, path, digest, size);
	return 0;
}

static struct json *descriptor(const char *type, const struct digest *digest, int64_t size)
{
	struct json *json = json_new_object();
	char text[DIGEST_TEXT_SIZE];

	json_set_text(json, "mediaType", type);
	json_set_text(json, "digest", digest_text(digest, text));
	json_set_integer(json, "size", size);
	return json;
}

static int add_base_layers(struct writer *writer, const struct oci_image *base, struct json *layers,
	struct json *plain)
{
	for (size_t i = 0; base && i < base->count; i++) {
		const struct oci_layer *layer = &base->layers[i];
		autofree char *path = blob_path(&layer->digest);
		if (add_blob(writer, base->folder, path, &layer->digest, layer->size) < 0)
			return -1;
		json_add(layers, descriptor(layer->media_type, &layer->digest, layer->size));
		json_add_text(plain, layer->plain);
	}
	return 0;
}

static int add_steps(struct writer *writer, const struct oci_step *steps, size_t count,
	struct json *descriptors, struct json *plain, struct json *history)
{
	char text[DIGEST_TEXT_SIZE], created[MOMENT_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		const struct layer *layer = steps[i].layer;
		if (add_blob(writer, layer->folder, layer->file, &layer->digest, layer->size) < 0)
			return -1;
		json_add(descriptors, descriptor(TYPE_LAYER, &layer->digest, layer->size));
		json_add_text(plain, digest_text(&layer->plain, text));
		struct json *entry = json_new_object();
		json_set_text(entry, "created", moment_text(writer->job->epoch * 1000000, created));
		json_set_text(entry, "created_by", steps[i].comment);
		json_add(history, entry);
	}
	return 0;
}

/* What the base says stays; kiln adds layers and history. */
static struct json *make_config(
	const struct oci_image *base, int64_t epoch, struct json *plain, struct json *history)
{
	struct json *config = base ? json_copy(base->config) : json_new_object();
	struct json *rootfs = json_new_object();
	char created[MOMENT_TEXT_SIZE];

	json_set_text(config, "created", moment_text(epoch * 1000000, created));
	if (!base) {
		json_set_text(config, "architecture", architecture());
		json_set_text(config, "os", "linux");
		json_set(config, "config", json_new_object());
	}
	json_set_text(rootfs, "type", "layers");
	json_set(rootfs, "diff_ids", plain);
	json_set(config, "rootfs", rootfs);
	json_set(config, "history", history);
	return config;
}

static int write_image(struct writer *writer, const struct oci_image *base,
	const struct oci_step *steps, size_t count)
{
	struct json *descriptors = json_new_list(), *plain = json_new_list();
	struct json *history = base && json_get(base->config, "history")
	                               ? json_copy(json_get(base->config, "history"))
	                               : json_new_list();
	autojson struct json *manifest = json_new_object(), *index = json_new_object();
	autojson struct json *layout = json_new_object();
	struct digest digest = {{0}};
	int64_t size = 0;
	int result = add_base_layers(writer, base, descriptors, plain);

	if (result == 0)
		result = add_steps(writer, steps, count, descriptors, plain, history);
	autojson struct json *config = make_config(base, writer->job->epoch, plain, history);
	if (result == 0)
		result = write_document(writer, NULL, config, &digest, &size);
	json_set_integer(manifest, "schemaVersion", 2);
	json_set_text(manifest, "mediaType", TYPE_MANIFEST);
	json_set(manifest, "config", descriptor(TYPE_CONFIG, &digest, size));
	json_set(manifest, "layers", descriptors);
	if (result == 0)
		result = write_document(writer, NULL, manifest, &digest, &size);
	if (result < 0)
		return -1;

	struct json *list = json_new_list(), *entry = descriptor(TYPE_MANIFEST, &digest, size);
	struct json *annotations = json_new_object();
	json_set_text(annotations, "org.opencontainers.image.ref.name", "latest");
	json_set(entry, "annotations", annotations);
	json_add(list, entry);
	json_set_integer(index, "schemaVersion", 2);
	json_set_text(index, "mediaType", TYPE_INDEX);
	json_set(index, "manifests", list);
	json_set_text(layout, "imageLayoutVersion", "1.0.0");
	if (write_document(writer, "index.json", index, &digest, &size) < 0)
		return -1;
	return write_document(writer, "oci-layout", layout, &digest, &size);
}

int oci_write(struct job *job, const char *path, const struct oci_image *base,
	const struct oci_step *steps, size_t count, bool copy, struct artifact *artifact,
	struct error *err)
{
	autoclose int folder = folder_make_inside(job->tree_fd, path, 0755, err);
	autoclose int blobs =
		folder < 0 ? -1 : folder_make_inside(folder, "blobs/sha256", 0755, err);
	struct writer writer = {job, path, folder, copy, artifact, err};

	if (blobs < 0)
		return -1;
	return write_image(&writer, base, steps, count);
}
