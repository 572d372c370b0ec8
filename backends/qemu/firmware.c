/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/firmware.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/copy.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"

/* The first that is there; the second pair is all that newer packages have. */
static const struct {
	const char *code, *vars;
} usual[] = {{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
	{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"}};

static int find_usual(struct firmware *firmware, struct error *err)
{
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		if (access(usual[i].code, R_OK) < 0 || access(usual[i].vars, R_OK) < 0)
			continue;
		firmware->code = memory_copy_text(usual[i].code);
		firmware->vars = memory_copy_text(usual[i].vars);
		return 0;
	}
	return fail(err, ERROR_BROKEN,
		"efi_boot: there is no UEFI firmware at %s on this machine (apt-get install ovmf)",
		usual[0].code);
}

/* As the build has it; what lies outside of the repository was granted. */
static int find_own(const struct job *job, const char *option, const char *path, char **found,
	struct error *err)
{
	autofree char *resolved = NULL;
	autoclose int fd = job_open_path(job, path, O_RDONLY, 0, err);

	if (fd < 0 || job_resolve(job, path, &resolved, err) < 0)
		return fail_while(err, "%s", option);
	*found = resolved[0] == '/' ? TAKE(resolved)
	                            : memory_printf("%s/work/tree/%s", job->folder, resolved);
	return 0;
}

int firmware_find(const struct job *job, const struct qemu_options *options,
	struct firmware *firmware, struct error *err)
{
	*firmware = (struct firmware){0};
	if (!*options->efi_code)
		return options->efi_boot ? find_usual(firmware, err) : 0;
	if (find_own(job, "efi_firmware_code", options->efi_code, &firmware->code, err) < 0)
		return -1;
	return find_own(job, "efi_firmware_vars", options->efi_vars, &firmware->vars, err);
}

int firmware_copy_vars(const char *from, const char *path, struct error *err)
{
	unlink(path);
	return copy_file(AT_FDCWD, from, AT_FDCWD, path, 0644, NULL, NULL, err);
}

void firmware_clear(struct firmware *firmware)
{
	free(firmware->code);
	free(firmware->vars);
	*firmware = (struct firmware){0};
}
