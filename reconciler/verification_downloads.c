/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verification.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/memory.h"

#define DOWNLOADS "cache/downloads"

/* A file is called by its SHA-256; all else there is a note, or still being fetched. */
static void check_download(struct verification *verification, int folder, const char *name)
{
	autofree char *where = memory_printf(DOWNLOADS "/%s", name);
	autoclose int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char hex[DIGEST_HEX_SIZE];
	struct digest wanted, found;
	struct error reason;

	if (fd < 0 || !digest_parse(name, &wanted))
		return;
	if (digest_of_fd(fd, &found, &reason) < 0)
		verification_fault(verification, "download", where, name, reason.text);
	else if (!digest_equal(&found, &wanted))
		verification_fault(verification, "download", where, name, digest_hex(&found, hex));
}

int verification_downloads(struct verification *verification, struct error *err)
{
	autofree char *path = memory_printf("%s/" DOWNLOADS, verification->head->state);
	CLEANUP(strings_clear) struct strings names = {0};

	if (!verification->deep || !file_exists(AT_FDCWD, path))
		return 0;
	autoclose int folder = folder_open(AT_FDCWD, path, err);
	if (folder < 0 || folder_list(folder, ".", &names, err) < 0)
		return -1;
	strings_each (name, &names)
		if (!strchr(name, '.'))
			check_download(verification, folder, name);
	return 0;
}
