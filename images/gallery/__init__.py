"""The gallery: images that distributors publish, each added by one step and held against its checksum."""
