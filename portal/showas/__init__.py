"""What an action is outside of the portal: its command, its request, its Python and its Terraform, and scripts of what was done."""
