/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/vagrant_provider.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "tests/unit/check.h"

static struct job job = {.directory = "", .tree_fd = -1};

/* A file below the tree: SIZE bytes that begin with those of a qcow2 of VIRTUAL bytes, or with zeros. */
static void write_disk(const char *name, uint64_t virtual, size_t size)
{
	autofree unsigned char *bytes = calloc(1, size + 72);
	struct error err;

	if (virtual)
		memcpy(bytes, "QFI\xfb\0\0\0\3", 8);
	for (int i = 0; i < 8; i++)
		bytes[24 + i] = virtual >> (56 - 8 * i);
	unlinkat(job.tree_fd, name, 0);
	file_write_new(job.tree_fd, name, 0644, bytes, size, &err);
}

/* What a box of these files is: "NAME=PATH ... METADATA", or the error. */
static const char *describe(struct artifact *artifact)
{
	static struct text said;
	CLEANUP(box_clear) struct box box = {.job = &job};
	const struct vagrant_provider *provider = vagrant_provider_of(artifact->builder_id);
	struct error err = {0};

	text_reset(&said);
	if (!provider || provider->collect(&box, artifact, &err) < 0) {
		text_add(&said, provider ? err.text : "no provider");
		return text_get(&said);
	}
	for (size_t i = 0; i < box.count; i++)
		text_addf(&said, "%s=%s ", box.files[i].name, box.files[i].path);
	json_write(box.metadata, JSON_LINE, &said);
	return text_get(&said);
}

static bool has(const char *text, const char *words)
{
	return strstr(text, words) != NULL;
}

static void boxes_of_qemu(void)
{
	struct artifact *artifact = artifact_new("transcend.qemu", "VM", "VM files");
	const uint64_t gigabyte = 1024 * 1024 * 1024;

	write_disk("disk", 40 * gigabyte, 4096);
	write_disk("second", 1, 4096);
	write_disk("vars", 0, 4096);
	artifact_add(artifact, "disk", NULL, 0);
	CHECK_TEXT(describe(artifact),
		"box.img=disk {\"format\":\"qcow2\",\"provider\":\"libvirt\",\"virtual_size\":40}",
		"the only file is the disk");
	artifact_add(artifact, "vars", NULL, 0);
	CHECK_TEXT(describe(artifact),
		"box.img=disk {\"format\":\"qcow2\",\"provider\":\"libvirt\",\"virtual_size\":40}",
		"of several the only qcow2 is");
	artifact_add(artifact, "second", NULL, 0);
	CHECK(has(describe(artifact), "2 of them are disk images"), "two are one too many");
	artifact->state = json_new_object();
	json_set_text(artifact->state, "diskName", "second");
	CHECK_TEXT(describe(artifact),
		"box.img=second {\"format\":\"qcow2\",\"provider\":\"libvirt\",\"virtual_size\":1}",
		"but for the one that the builder names");
	write_disk("second", 0, 30);
	CHECK_TEXT(describe(artifact),
		"box.img=second {\"format\":\"raw\",\"provider\":\"libvirt\",\"virtual_size\":1}",
		"which may be raw");
	write_disk("second", gigabyte + 1, 60);
	CHECK(has(describe(artifact), "broken qcow2"), "half a header is none");
	write_disk("second", UINT64_MAX, 4096);
	CHECK(has(describe(artifact), "broken qcow2"), "nor is one of more than there is");
	artifact_free(artifact);
}

static void says_the_driver(void)
{
	static const char *const types[][2] = {{"kvm", "kvm"}, {"tcg", "qemu"}, {"none", "qemu"}};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		CLEANUP(artifact_freep)
		struct artifact *artifact = artifact_new("transcend.qemu", "VM", "");
		CLEANUP(box_clear) struct box box = {.job = &job};
		autofree char *wanted = NULL;
		struct error err;
		write_disk("disk", 1, 4096);
		artifact_add(artifact, "disk", NULL, 0);
		artifact->state = json_new_object();
		json_set_text(artifact->state, "domainType", types[i][0]);
		if (asprintf(&wanted, "libvirt.driver = \"%s\"", types[i][1]) < 0)
			return;
		CHECK(vagrant_provider_find("libvirt")->collect(&box, artifact, &err) == 0 &&
				has(text_get(&box.vagrantfile), wanted),
			"a machine of %s runs with %s", types[i][0], types[i][1]);
	}
}

static void knows_providers(void)
{
	CLEANUP(artifact_freep) struct artifact *file = artifact_new("packer.file", "File", "");

	CHECK(!vagrant_provider_of("packer.file") && !vagrant_provider_find("aws"),
		"files do not say a provider, and clouds have no boxes");
	CHECK(vagrant_provider_of("mitchellh.vmware-esx") == vagrant_provider_find("vmware"),
		"builders have those of Packer's table");
	CHECK_TEXT(describe(file), "no provider", "which is told");
}

int main(void)
{
	char folder[] = "/tmp/kiln-unit-XXXXXX";
	struct error err;

	if (!mkdtemp(folder))
		return 1;
	job.order = json_new_object();
	job.tree_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	boxes_of_qemu();
	says_the_driver();
	knows_providers();
	close(job.tree_fd);
	json_free(job.order);
	folder_remove(AT_FDCWD, folder, &err);
	return check_done();
}
