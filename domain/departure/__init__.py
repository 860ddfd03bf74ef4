"""A person's departure: what is in their hands, who takes each thing over or how it ends, and the successor."""
