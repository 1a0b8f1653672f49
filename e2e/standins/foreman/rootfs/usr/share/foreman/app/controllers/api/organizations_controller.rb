module Api
  class OrganizationsController < BaseController
    def index
      render_list(searched(Organization.order(:id), %w[id name]))
    end

    def show
      render json: Organization.find(params[:id])
    end

    def create
      organization = Organization.create!(params.require(:organization).permit(:name, :description))
      Audit.create!(action: 'create', user_login: current_user.login, remote_address: request.remote_ip, comment: "organization #{organization.name}")
      render json: organization, status: :created
    end
  end
end
