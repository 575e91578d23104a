"""Where hosts keep volumes: host@backend#pool on the wire."""
