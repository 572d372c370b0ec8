/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the builder finds out and steps may ask for: job->found. Source of the names: Packer 1.6.6 common/step_provision.go. */

#include "backends/qemu/media.h"
#include "backends/ssh/ssh.h"

/* Where http_directory is served; what was found before is forgotten. */
void found_tell_http(struct job *job, const struct qemu_media *media);
/* Where the machine is and who logs in there. Nothing where there is no connection. */
void found_tell_address(struct job *job, const struct ssh_settings *ssh);
