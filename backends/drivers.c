/* SPDX-License-Identifier: Apache-2.0 */
/* The one registry of drivers. */
#include "backends/builder.h"

#include <string.h>

extern const struct builder builder_rootfs, builder_file, builder_null, builder_qemu;
extern const struct provisioner provisioner_shell, provisioner_file, provisioner_shell_local,
	provisioner_sleep, provisioner_breakpoint, provisioner_ansible, provisioner_ansible_local,
	provisioner_powershell, provisioner_windows_shell, provisioner_windows_restart;
extern const struct post_processor post_processor_artifice, post_processor_checksum,
	post_processor_compress, post_processor_manifest, post_processor_shell_local,
	post_processor_vagrant;

const struct builder *const builders[] = {
	&builder_rootfs, &builder_file, &builder_null, &builder_qemu, NULL};
const struct provisioner *const provisioners[] = {&provisioner_shell, &provisioner_file,
	&provisioner_shell_local, &provisioner_sleep, &provisioner_breakpoint, &provisioner_ansible,
	&provisioner_ansible_local, &provisioner_powershell, &provisioner_windows_shell,
	&provisioner_windows_restart, NULL};
const struct post_processor *const post_processors[] = {&post_processor_artifice,
	&post_processor_checksum, &post_processor_compress, &post_processor_manifest,
	&post_processor_shell_local, &post_processor_vagrant, NULL};

const struct builder *builder_find(const char *type)
{
	for (const struct builder *const *b = builders; *b; b++)
		if (strcmp((*b)->plugin->name, type) == 0)
			return *b;
	return NULL;
}

const struct provisioner *provisioner_find(const char *type)
{
	for (const struct provisioner *const *p = provisioners; *p; p++)
		if (strcmp((*p)->plugin->name, type) == 0)
			return *p;
	return NULL;
}

const struct post_processor *post_processor_find(const char *type)
{
	for (const struct post_processor *const *p = post_processors; *p; p++)
		if (strcmp((*p)->plugin->name, type) == 0)
			return *p;
	return NULL;
}
