{{ unpack_records('vote', {'method': 'varchar', 'k': 'integer', 'words': 'varchar'}) }}
