module Katello
  # The manifest goes through Rails' tmp to whichever worker gets the task: that directory must be one for all pods.
  class SubscriptionsController < Api::BaseController
    def upload
      organization = Organization.find(params[:id])
      file = Rails.root.join("tmp/import_#{SecureRandom.hex(8)}.zip").to_s
      File.binwrite(file, params.require(:content).read)
      plan = Dynflow::Client.trigger(Actions::Katello::Organization::ManifestImport, 'organization' => organization.id, 'file' => file)
      render json: ForemanTasks::Task.find(plan.id), status: :accepted
    end
  end
end
