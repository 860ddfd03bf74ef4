-- An agreement's next version makes one role another: what a departure settled of the one is of the other by then.

grant update ("holding_id") on "settlement" to spheres_app;
