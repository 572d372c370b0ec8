/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from pins.c: kilnd, which looks for a mirror by its pins, has nothing of what fetches. */
#include "reconciler/git/fetch/pins.h"

#include <string.h>

#include "base/digest.h"
#include "base/memory.h"

char *pins_folder(const char *owner)
{
	struct digest digest;
	char hex[DIGEST_HEX_SIZE];

	digest_of(owner, strlen(owner), &digest);
	return memory_printf(PINS_PREFIX "%.16s/", digest_hex(&digest, hex));
}
