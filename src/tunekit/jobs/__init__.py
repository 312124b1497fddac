"""Jobs and the models they give: the handles a user holds, and the seam behind which a backend works."""
