/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* libarchive's functions that workers call, each as late_NAME; late_load_archive first. In place of its own header. */

#include <archive.h>
#include <archive_entry.h>

#include "backends/late.h"

#define LATE_ARCHIVE(FUNCTION)                            \
	FUNCTION(archive_entry_copy_hardlink)             \
	FUNCTION(archive_entry_copy_pathname)             \
	FUNCTION(archive_entry_copy_symlink)              \
	FUNCTION(archive_entry_filetype)                  \
	FUNCTION(archive_entry_free)                      \
	FUNCTION(archive_entry_gid)                       \
	FUNCTION(archive_entry_hardlink)                  \
	FUNCTION(archive_entry_mode)                      \
	FUNCTION(archive_entry_mtime)                     \
	FUNCTION(archive_entry_mtime_is_set)              \
	FUNCTION(archive_entry_new)                       \
	FUNCTION(archive_entry_pathname)                  \
	FUNCTION(archive_entry_rdevmajor)                 \
	FUNCTION(archive_entry_rdevminor)                 \
	FUNCTION(archive_entry_set_atime)                 \
	FUNCTION(archive_entry_set_birthtime)             \
	FUNCTION(archive_entry_set_ctime)                 \
	FUNCTION(archive_entry_set_filetype)              \
	FUNCTION(archive_entry_set_gid)                   \
	FUNCTION(archive_entry_set_gname)                 \
	FUNCTION(archive_entry_set_mtime)                 \
	FUNCTION(archive_entry_set_nlink)                 \
	FUNCTION(archive_entry_set_perm)                  \
	FUNCTION(archive_entry_set_size)                  \
	FUNCTION(archive_entry_set_uid)                   \
	FUNCTION(archive_entry_set_uname)                 \
	FUNCTION(archive_entry_size)                      \
	FUNCTION(archive_entry_symlink)                   \
	FUNCTION(archive_entry_uid)                       \
	FUNCTION(archive_entry_unset_atime)               \
	FUNCTION(archive_entry_unset_birthtime)           \
	FUNCTION(archive_entry_unset_ctime)               \
	FUNCTION(archive_entry_unset_size)                \
	FUNCTION(archive_entry_xattr_add_entry)           \
	FUNCTION(archive_entry_xattr_next)                \
	FUNCTION(archive_entry_xattr_reset)               \
	FUNCTION(archive_errno)                           \
	FUNCTION(archive_error_string)                    \
	FUNCTION(archive_read_data)                       \
	FUNCTION(archive_read_data_block)                 \
	FUNCTION(archive_read_free)                       \
	FUNCTION(archive_read_new)                        \
	FUNCTION(archive_read_next_header)                \
	FUNCTION(archive_read_open_fd)                    \
	FUNCTION(archive_read_set_options)                \
	FUNCTION(archive_read_support_filter_all)         \
	FUNCTION(archive_read_support_filter_bzip2)       \
	FUNCTION(archive_read_support_filter_gzip)        \
	FUNCTION(archive_read_support_filter_lz4)         \
	FUNCTION(archive_read_support_filter_xz)          \
	FUNCTION(archive_read_support_filter_zstd)        \
	FUNCTION(archive_read_support_format_cpio)        \
	FUNCTION(archive_read_support_format_empty)       \
	FUNCTION(archive_read_support_format_iso9660)     \
	FUNCTION(archive_read_support_format_raw)         \
	FUNCTION(archive_read_support_format_tar)         \
	FUNCTION(archive_read_support_format_zip)         \
	FUNCTION(archive_set_error)                       \
	FUNCTION(archive_write_add_filter_gzip)           \
	FUNCTION(archive_write_add_filter_lz4)            \
	FUNCTION(archive_write_add_filter_xz)             \
	FUNCTION(archive_write_add_filter_zstd)           \
	FUNCTION(archive_write_close)                     \
	FUNCTION(archive_write_data)                      \
	FUNCTION(archive_write_data_block)                \
	FUNCTION(archive_write_disk_new)                  \
	FUNCTION(archive_write_disk_set_options)          \
	FUNCTION(archive_write_finish_entry)              \
	FUNCTION(archive_write_free)                      \
	FUNCTION(archive_write_header)                    \
	FUNCTION(archive_write_new)                       \
	FUNCTION(archive_write_open)                      \
	FUNCTION(archive_write_open_fd)                   \
	FUNCTION(archive_write_set_bytes_in_last_block)   \
	FUNCTION(archive_write_set_bytes_per_block)       \
	FUNCTION(archive_write_set_filter_option)         \
	FUNCTION(archive_write_set_format_gnutar)         \
	FUNCTION(archive_write_set_format_iso9660)        \
	FUNCTION(archive_write_set_format_option)         \
	FUNCTION(archive_write_set_format_pax_restricted) \
	FUNCTION(archive_write_set_format_raw)            \
	FUNCTION(archive_write_set_format_zip)

/* As late_load. Before the process changes its root. */
int late_load_archive(struct error *err);

#define LATE_DECLARE(name) extern __typeof__(name) *late_##name;
LATE_ARCHIVE(LATE_DECLARE)
#undef LATE_DECLARE
