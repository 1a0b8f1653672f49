class Organization < Taxonomy
end
