/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/vagrant_provider.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/ova.h"
#include "backends/qemu/image_file.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum { OVF_SIZE_MOST = 16 * 1024 * 1024 };

/* ---- the box ---- */

void box_clear(struct box *box)
{
	struct error ignored;

	for (size_t i = 0; i < box->count; i++) {
		free(box->files[i].name);
		free(box->files[i].path);
	}
	free(box->files);
	json_free(box->metadata);
	text_clear(&box->vagrantfile);
	if (box->job)
		folder_remove(box->job->tree_fd, BOX_FOLDER, &ignored);
}

static struct box_file *find_file(struct box *box, const char *name)
{
	for (size_t i = 0; i < box->count; i++)
		if (strcmp(box->files[i].name, name) == 0)
			return &box->files[i];
	return NULL;
}

void box_add(struct box *box, const char *name, const char *path)
{
	struct box_file *there = find_file(box, name);

	if (there) {
		free(there->path);
		there->path = memory_copy_text(path);
		return;
	}
	MEMORY_GROW(box->files, box->count, box->room);
	box->files[box->count++] =
		(struct box_file){memory_copy_text(name), memory_copy_text(path)};
}

static void set_provider(struct box *box, const char *name)
{
	box->metadata = json_new_object();
	json_set_text(box->metadata, "provider", name);
}

/* All files by their own names, of which no two may be equal. */
static int add_all(struct box *box, const struct artifact *input, struct error *err)
{
	for (size_t i = 0; i < input->count; i++) {
		const char *path = input->files[i].path;
		for (size_t j = 0; j < i; j++)
			if (strcmp(path_name(input->files[j].path), path_name(path)) == 0)
				return fail(err, ERROR_CATALOG,
					"%s and %s would have one name in the box",
					input->files[j].path, path);
		box_add(box, path_name(path), path);
	}
	return 0;
}

/* ---- libvirt: one disk ---- */

static int read_disk(struct box *box, const struct artifact_file *file, const char **format,
	int64_t *bytes, struct error *err)
{
	autoclose int fd = artifact_open(box->job, file, NULL, err);

	if (fd < 0 || image_file_format(fd, file->path, format, err) < 0)
		return -1;
	return image_file_bytes(fd, file->path, *format, bytes, err);
}

/* The one that the builder names, else the only file, else the only one in a disk's format. */
static const struct artifact_file *find_disk(
	struct box *box, const struct artifact *input, struct error *err)
{
	const char *name = json_get_text(input->state, "diskName", NULL), *format;
	const struct artifact_file *found = NULL;
	size_t count = 0;
	int64_t bytes;

	if (input->count == 1)
		return &input->files[0];
	for (size_t i = 0; i < input->count; i++)
		if (name && strcmp(path_name(input->files[i].path), name) == 0)
			return &input->files[i];
	for (size_t i = 0; i < input->count; i++) {
		if (read_disk(box, &input->files[i], &format, &bytes, err) < 0)
			return NULL;
		if (strcmp(format, "raw") == 0)
			continue;
		found = &input->files[i];
		count++;
	}
	if (count == 1)
		return found;
	error_set(err, ERROR_CATALOG,
		"a box for libvirt has one disk: the artifact has %zu files, and %zu of them are "
		"disk images",
		input->count, count);
	return NULL;
}

/* What libvirt calls what the machine ran with; unless the template says it that is no matter of the image. */
static int find_driver(const struct artifact *input, const char **driver, struct error *err)
{
	const char *type = json_get_text(input->state, "domainType", "kvm");

	*driver = "kvm";
	if (strcmp(type, "none") == 0 || strcmp(type, "tcg") == 0 || strcmp(type, "hvf") == 0)
		*driver = "qemu";
	else if (strcmp(type, "kvm") != 0)
		return fail(
			err, ERROR_CATALOG, "libvirt has no machines of the accelerator %s", type);
	return 0;
}

static int collect_libvirt(struct box *box, const struct artifact *input, struct error *err)
{
	const struct artifact_file *file = find_disk(box, input, err);
	const int64_t gigabyte = 1024LL * 1024 * 1024;
	const char *format, *driver;
	int64_t bytes;

	if (!file || read_disk(box, file, &format, &bytes, err) < 0 ||
		find_driver(input, &driver, err) < 0)
		return -1;
	if (strcmp(format, "qcow2") != 0 && strcmp(format, "raw") != 0)
		return fail(err, ERROR_CATALOG,
			"%s: libvirt's boxes have qcow2 or raw disks, not %s: convert it first",
			file->path, format);
	/* in the order of its keys, as Go writes a map */
	box->metadata = json_new_object();
	json_set_text(box->metadata, "format", format);
	json_set_text(box->metadata, "provider", "libvirt");
	json_set_integer(box->metadata, "virtual_size", bytes / gigabyte + (bytes % gigabyte != 0));
	text_addf(&box->vagrantfile,
		"Vagrant.configure(\"2\") do |config|\n"
		"  config.vm.provider :libvirt do |libvirt|\n"
		"    libvirt.driver = \"%s\"\n"
		"  end\n"
		"end\n",
		driver);
	box_add(box, "box.img", file->path);
	return 0;
}

/* ---- virtualbox: an appliance ---- */

/* The address of the first network card, as VirtualBox writes it into an OVF; NULL if there is none. The caller frees. */
static char *find_mac(const char *ovf)
{
	static const char adapter[] = "<Adapter slot=\"0\"", attribute[] = "MACAddress=\"";

	for (const char *at = ovf; (at = strstr(at, adapter)); at++) {
		size_t line = strcspn(at, "\n");
		autofree char *text = memory_copy_bytes(at, line);
		const char *mac = strstr(text + sizeof(adapter) - 1, attribute);
		const char *end = mac ? strchr(mac + sizeof(attribute), '"') : NULL;
		if (end)
			return memory_copy_bytes(
				mac + sizeof(attribute) - 1, end - mac - (sizeof(attribute) - 1));
	}
	return NULL;
}

/* The OVF is called box.ovf in the box. */
static int rename_ovf(struct box *box, struct box_file **ovf, struct error *err)
{
	*ovf = NULL;
	for (size_t i = 0; i < box->count; i++) {
		if (!text_ends_with(box->files[i].name, ".ovf"))
			continue;
		if (*ovf)
			return fail(err, ERROR_CATALOG,
				"a box for virtualbox has one .ovf file: there are %s and %s",
				(*ovf)->name, box->files[i].name);
		*ovf = &box->files[i];
	}
	if (!*ovf)
		return fail(err, ERROR_CATALOG,
			"a box for virtualbox is made of an .ovf or .ova file: the artifact has "
			"none");
	free((*ovf)->name);
	(*ovf)->name = memory_copy_text("box.ovf");
	return 0;
}

static int collect_virtualbox(struct box *box, const struct artifact *input, struct error *err)
{
	CLEANUP(strings_clear) struct strings unpacked = {0};
	CLEANUP(text_clear) struct text text = {0};
	struct box_file *ovf;

	set_provider(box, "virtualbox");
	if (add_all(box, input, err) < 0)
		return -1;
	for (size_t i = box->count; i--;) {
		struct box_file *file = &box->files[i];
		if (!text_ends_with(file->name, ".ova"))
			continue;
		if (ova_unpack(box->job, file->path, BOX_FOLDER, &unpacked, err) < 0)
			return fail_while(err, "%s", file->path);
		free(file->name);
		free(file->path);
		*file = box->files[--box->count];
	}
	strings_each (name, &unpacked) {
		autofree char *path = memory_printf(BOX_FOLDER "/%s", name);
		box_add(box, name, path);
	}
	if (rename_ovf(box, &ovf, err) < 0)
		return -1;
	const struct artifact_file file = {.path = ovf->path};
	autoclose int fd = artifact_open(box->job, &file, NULL, err);
	if (fd < 0 || file_read_fd(fd, OVF_SIZE_MOST, &text, err) < 0)
		return fail_while(err, "%s", ovf->path);
	autofree char *mac = find_mac(text_get(&text));
	if (!mac)
		return fail(err, ERROR_CATALOG,
			"%s: it names no MAC address of its first network card, which a box needs",
			ovf->path);
	text_addf(&box->vagrantfile,
		"Vagrant.configure(\"2\") do |config|\n"
		"  config.vm.base_mac = \"%s\"\n"
		"end\n",
		mac);
	return 0;
}

/* ---- the others ---- */

static int collect_vmware(struct box *box, const struct artifact *input, struct error *err)
{
	set_provider(box, "vmware_desktop");
	return add_all(box, input, err);
}

static int collect_lxc(struct box *box, const struct artifact *input, struct error *err)
{
	set_provider(box, "lxc");
	json_set_text(box->metadata, "version", "1.0.0");
	return add_all(box, input, err);
}

/* The box only names the image. */
static int collect_docker(struct box *box, const struct artifact *input, struct error *err)
{
	set_provider(box, "docker");
	if (!*input->id)
		return fail(err, ERROR_CATALOG,
			"a box for docker names an image: the artifact has no id");
	text_addf(&box->vagrantfile,
		"Vagrant.configure(\"2\") do |config|\n"
		"  config.vm.provider :docker do |docker, override|\n"
		"    docker.image = \"%s\"\n"
		"  end\n"
		"end\n",
		input->id);
	return 0;
}

static const struct vagrant_provider providers[] = {
	{"libvirt", collect_libvirt},
	{"virtualbox", collect_virtualbox},
	{"vmware", collect_vmware},
	{"lxc", collect_lxc},
	{"docker", collect_docker},
};

const struct vagrant_provider *vagrant_provider_find(const char *name)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++)
		if (strcmp(providers[i].name, name) == 0)
			return &providers[i];
	return NULL;
}

const struct vagrant_provider *vagrant_provider_of(const char *builder_id)
{
	static const struct {
		const char *builder_id, *provider;
	} makers[] = {
		{"transcend.qemu", "libvirt"},
		{"mitchellh.virtualbox", "virtualbox"},
		{"mitchellh.vmware", "vmware"},
		{"mitchellh.vmware-esx", "vmware"},
		{"ustream.lxc", "lxc"},
		{"packer.post-processor.docker-import", "docker"},
		{"packer.post-processor.docker-tag", "docker"},
		{"packer.post-processor.docker-push", "docker"},
	};

	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++)
		if (strcmp(makers[i].builder_id, builder_id) == 0)
			return vagrant_provider_find(makers[i].provider);
	return NULL;
}
